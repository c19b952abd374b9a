package starttlslab;

import java.util.Map;

/**
 * An SMTP session.
 *
 * @param ending who ended it: local, remote or broken; null while it goes on
 * @param outcome what came of it and why, in a line
 * @param json everything that the lab reports of it
 */
public record Session(
        String session, long seq, String computer, String connector, long messagesInClear, long messagesOverTls,
        String ending, String outcome, Map<String, Object> json) {
    static Session of(Map<String, Object> json) {
        return new Session(
                Values.string(json, "session"), Values.number(json, "seq"), Values.string(json, "computer"),
                Values.string(json, "connector"), Values.number(json, "messages_in_clear"),
                Values.number(json, "messages_over_tls"), Values.string(json, "ending"),
                Values.string(json, "outcome"), json);
    }

    @Override
    public String toString() {
        return outcome;
    }
}
