package starttlslab;

import java.util.List;
import java.util.Map;

/**
 * A message that was accepted.
 *
 * @param seq what {@link Want#after} has to be to wait for the next one
 * @param tlsVersion such as {@code TLSv1.3}; null for a message in clear
 * @param json everything that the lab reports of it
 */
public record Message(
        long id, long seq, String computer, String connector, String session, String mailFrom, List<String> rcptTo,
        String subject, String tlsVersion, Map<String, Object> json) {
    static Message of(Map<String, Object> json) {
        Map<String, Object> tls = Values.object(json, "tls");
        return new Message(
                Values.number(json, "id"), Values.number(json, "seq"), Values.string(json, "computer"),
                Values.string(json, "connector"), Values.string(json, "session"), Values.string(json, "mail_from"),
                Values.strings(json, "rcpt_to"), Values.string(json, "subject"),
                tls == null ? null : Values.string(tls, "version"), json);
    }

    /** Whether it came through TLS. */
    public boolean overTls() {
        return tlsVersion != null;
    }

    @Override
    public String toString() {
        return "message " + id + " from " + mailFrom + " to " + String.join(", ", rcptTo) + (overTls() ? ", tls" : ", clear");
    }
}
