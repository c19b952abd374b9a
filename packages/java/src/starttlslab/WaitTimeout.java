package starttlslab;

/** Nothing matched in time; the text lists what arrived and why it did not match. */
public class WaitTimeout extends AssertionError {
    private static final long serialVersionUID = 1;

    WaitTimeout(String message) {
        super(message);
    }
}
