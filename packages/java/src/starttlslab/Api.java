package starttlslab;

import java.io.IOException;
import java.net.URI;
import java.net.URLEncoder;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;

/** Requests to the control API, which is on loopback: no proxy is asked. */
final class Api {
    private static final int REQUEST_TIMEOUT = 408;
    /** What the control API lists at most. */
    private static final int LONGEST_LIST = 10_000;

    private final String control;
    private final HttpClient http = HttpClient.newBuilder()
            .proxy(HttpClient.Builder.NO_PROXY)
            .version(HttpClient.Version.HTTP_1_1)
            .build();

    Api(String control) {
        this.control = control;
    }

    /** Sends a request; a string is sent as TOML, anything else as JSON. Returns the JSON of the answer. */
    Object ask(String method, String path, Object body) {
        HttpRequest.Builder request = HttpRequest.newBuilder(URI.create(control + "/api/v1/" + path));
        if (body == null) {
            request.method(method, HttpRequest.BodyPublishers.noBody());
        } else {
            boolean toml = body instanceof String;
            request.header("Content-Type", toml ? "application/toml" : "application/json");
            request.method(method, HttpRequest.BodyPublishers.ofString(toml ? (String) body : Json.write(body)));
        }
        HttpResponse<String> answer;
        try {
            answer = http.send(request.build(), HttpResponse.BodyHandlers.ofString());
        } catch (IOException error) {
            throw new LabException("the lab does not answer: " + error, error);
        } catch (InterruptedException interrupted) {
            Thread.currentThread().interrupt();
            throw new LabException("interrupted", interrupted);
        }
        String text = answer.body();
        if (answer.statusCode() >= 400) {
            String detail = Values.string(Json.readObject(text), "detail");
            if (answer.statusCode() == REQUEST_TIMEOUT) {
                throw new WaitTimeout(detail);
            }
            throw new LabException(detail);
        }
        return text.isEmpty() ? null : Json.read(text);
    }

    @SuppressWarnings("unchecked")
    Map<String, Object> object(String method, String path, Object body) {
        return (Map<String, Object>) ask(method, path, body);
    }

    List<Map<String, Object>> list(String path) {
        return Values.objects(ask("GET", path, null));
    }

    /** A list that the control API has in stretches. */
    List<Map<String, Object>> all(String path) {
        List<Map<String, Object>> items = list(path + "?limit=" + LONGEST_LIST);
        if (items.size() == LONGEST_LIST) {
            throw new LabException(
                    "there are " + LONGEST_LIST + " " + path + " or more; ask the control API for a stretch of them");
        }
        return items;
    }

    static String query(Map<String, ?> parameters) {
        return parameters.entrySet().stream()
                .filter(entry -> entry.getValue() != null)
                .map(entry -> entry.getKey() + "=" + quoted(entry.getValue().toString()))
                .collect(Collectors.joining("&"));
    }

    /** Text in a path or query. */
    static String quoted(String text) {
        return URLEncoder.encode(text, StandardCharsets.UTF_8).replace("+", "%20");
    }
}
