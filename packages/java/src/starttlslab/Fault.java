package starttlslab;

import java.util.LinkedHashMap;
import java.util.Map;

/** A fault rule: at a stage, do something wrong. */
public final class Fault {
    private final Map<String, Object> json = new LinkedHashMap<>();

    private Fault(String stage, Object action) {
        json.put("at", stage);
        json.put("do", action);
    }

    /** At this stage, such as {@code handshake}, this action: {@code close}, {@code reset}, {@code silence}, ... */
    public static Fault at(String stage, String action) {
        return new Fault(stage, action);
    }

    /** At this stage an action with parameters, such as {@code Map.of("delay", "5s")}. */
    public static Fault at(String stage, Map<String, ?> action) {
        return new Fault(stage, action);
    }

    /** At this stage a reply in place of the connector's, such as {@code 454 4.7.0 TLS not available}. */
    public static Fault reply(String stage, String reply) {
        return at(stage, Map.of("reply", reply));
    }

    /** So often in all. */
    public Fault times(int times) {
        return with("times", times);
    }

    /** It may stay unapplied. */
    public Fault optional() {
        return with("optional", true);
    }

    /** Any other key of a fault rule in a lab file: when, then, vulnerable. */
    public Fault with(String key, Object value) {
        json.put(key, value);
        return this;
    }

    Map<String, Object> on(String connector) {
        Map<String, Object> rule = new LinkedHashMap<>(json);
        rule.put("connector", connector);
        return rule;
    }

    Map<String, Object> json() {
        return json;
    }
}
