package starttlslab;

import java.util.List;
import java.util.stream.Collectors;

/** What a lab has seen when it is finished, and whether that was expected. */
public record Report(
        List<Session> sessions, List<Message> messages, List<Event> events, List<Checked> expectations,
        String transcript) {
    /** An expectation, and whether it was met. */
    public record Checked(String expected, boolean met, String instead) {
        @Override
        public String toString() {
            return met ? "as expected: " + expected : "NOT as expected: " + expected + "; " + instead;
        }
    }

    /** Whether every expectation was met. */
    public boolean ok() {
        return expectations.stream().allMatch(Checked::met);
    }

    /** Fails the test where an expectation was not met. */
    public void assertOk() {
        if (!ok()) {
            throw new AssertionError("the lab did not see what it should have:\n" + this);
        }
    }

    @Override
    public String toString() {
        return expectations.stream().map(Checked::toString).collect(Collectors.joining("\n"));
    }
}
