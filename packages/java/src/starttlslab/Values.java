package starttlslab;

import java.util.List;
import java.util.Map;

/** Reads the values of the control API. */
final class Values {
    private Values() {}

    static String string(Map<String, Object> json, String key) {
        Object value = json.get(key);
        return value == null ? null : value.toString();
    }

    static long number(Map<String, Object> json, String key) {
        return json.get(key) instanceof Number number ? number.longValue() : 0;
    }

    @SuppressWarnings("unchecked")
    static Map<String, Object> object(Map<String, Object> json, String key) {
        return (Map<String, Object>) json.get(key);
    }

    @SuppressWarnings("unchecked")
    static List<String> strings(Map<String, Object> json, String key) {
        return (List<String>) json.getOrDefault(key, List.of());
    }

    @SuppressWarnings("unchecked")
    static List<Map<String, Object>> objects(Object json) {
        return (List<Map<String, Object>>) json;
    }
}
