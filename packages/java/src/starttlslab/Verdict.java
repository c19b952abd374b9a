package starttlslab;

import java.util.List;
import java.util.Map;

/**
 * What one client did about TLS on one connector.
 *
 * @param leaks what was said in clear: envelope, body, credentials
 * @param words the whole in a few sentences
 * @param json everything that the lab reports of it
 */
public record Verdict(
        String peer, String computer, String connector, long messagesInClear, long messagesOverTls,
        List<String> leaks, String resultType, String words, Map<String, Object> json) {
    static Verdict of(Map<String, Object> json) {
        List<String> leaks = Values.objects(json.get("leaks")).stream()
                .map(leak -> Values.string(leak, "what"))
                .distinct()
                .toList();
        return new Verdict(
                Values.string(json, "peer"), Values.string(json, "computer"), Values.string(json, "connector"),
                Values.number(json, "messages_in_clear"), Values.number(json, "messages_over_tls"), leaks,
                Values.string(json, "result_type"), Values.string(json, "words"), json);
    }
}
