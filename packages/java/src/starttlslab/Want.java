package starttlslab;

import java.time.Duration;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.function.Predicate;
import java.util.stream.Collectors;

/** The conditions on a message or a session; what is omitted is no condition. */
public final class Want {
    final Map<String, Object> conditions = new LinkedHashMap<>();
    Duration timeout;

    private Want() {}

    /** Any message or session. */
    public static Want any() {
        return new Want();
    }

    /** A recipient of the message. */
    public Want to(String recipient) {
        return with("to", recipient);
    }

    /** The sender of the message. */
    public Want from(String sender) {
        return with("from", sender);
    }

    /** It came over TLS. */
    public Want overTls() {
        return with("security", "tls");
    }

    /** It came without TLS. */
    public Want inClear() {
        return with("security", "clear");
    }

    /** Only what came after the journal's entry of this number, such as {@link Message#seq} of an earlier one. */
    public Want after(long seq) {
        return with("after", seq);
    }

    /** The time-out; the lab's patience by default. */
    public Want within(Duration timeout) {
        this.timeout = timeout;
        return this;
    }

    boolean is(Message message) {
        return matches("to", to -> message.rcptTo().stream().anyMatch(to::equalsIgnoreCase))
                && matches("from", message.mailFrom()::equalsIgnoreCase)
                && matches("security", security -> security.equals("tls") == message.overTls());
    }

    boolean is(Session session) {
        return matches("security", security -> security.equals("tls") == (session.json().get("tls") != null));
    }

    private boolean matches(String name, Predicate<String> fits) {
        Object value = conditions.get(name);
        return value == null || fits.test(value.toString());
    }

    private Want with(String name, Object value) {
        conditions.put(name, value);
        return this;
    }

    @Override
    public String toString() {
        return conditions.entrySet().stream()
                .map(entry -> ", " + entry.getKey() + " " + entry.getValue())
                .collect(Collectors.joining());
    }
}
