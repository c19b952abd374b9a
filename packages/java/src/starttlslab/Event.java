package starttlslab;

import java.util.Map;

/**
 * An entry of the Application log.
 *
 * @param id its number, such as 12014
 * @param json everything that the lab reports of it
 */
public record Event(long id, long seq, String computer, String connector, String message, Map<String, Object> json) {
    static Event of(Map<String, Object> json) {
        return new Event(
                Values.number(json, "event_id"), Values.number(json, "seq"), Values.string(json, "event_computer"),
                Values.string(json, "event_connector"), Values.string(json, "message"), json);
    }

    @Override
    public String toString() {
        return "event " + id;
    }
}
