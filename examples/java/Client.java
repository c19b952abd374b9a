import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.OutputStream;
import java.net.Socket;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.security.cert.CertificateException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import javax.net.ssl.SSLException;
import javax.net.ssl.SSLParameters;
import javax.net.ssl.SSLSocket;
import javax.net.ssl.SSLSocketFactory;

/**
 * What does a client of plain JSSE do with STARTTLS? Java 17 or newer, and no build tool:
 *
 * <pre>
 * starttls-lab exec fqdn-mismatch --trust-env --expect-messages 1 --expect-tls --expect-no-leak -- java Client.java
 * </pre>
 *
 * The client dials mail.expta.com and insists: on TLS, and on a certificate of that name. The lab withholds
 * STARTTLS; the first fix brings it back with a certificate of another name, the second one with the right
 * one. Where the lab is and whom to trust Java learns from exec.
 */
final class Client implements AutoCloseable {
    private static final int PATIENCE_MILLIS = 10_000;
    private static final String NAME = "mail.expta.com";

    private static final String OTHER_FQDN = "Get-ReceiveConnector | Set-ReceiveConnector -Fqdn mailgate.expta.com";
    private static final String NEW_CERTIFICATE = """
            New-ExchangeCertificate -GenerateRequest -SubjectName "CN=mail.expta.com" `
              -DomainName mail.expta.com, mailgate.expta.com | Set-Content C:\\mail.req
            $answer = [Byte[]]$(Get-Content -Path C:\\mail.cer -Encoding Byte -ReadCount 0)
            Import-ExchangeCertificate -FileData $answer | Enable-ExchangeCertificate -Services SMTP
            """;

    private Socket socket;
    private BufferedReader in;
    private OutputStream out;
    private List<String> extensions;

    public static void main(String[] arguments) throws IOException, InterruptedException {
        try (Client client = new Client()) {
            expect(!client.extensions.contains("STARTTLS"), "STARTTLS is offered");
            System.out.println("before: STARTTLS is not offered");
        }

        type(OTHER_FQDN);
        try (Client client = new Client()) {
            client.startTls(NAME);
            throw new AssertionError("the wrong name was taken for the right one");
        } catch (SSLException refused) {
            expect(isAboutACertificate(refused), "refused, but not for the certificate: " + refused);
            System.out.println("after fix 1: " + refused.getMessage());
        }

        // The question whether to replace the default certificate is answered with no.
        type(NEW_CERTIFICATE, "no");
        try (Client client = new Client()) {
            client.startTls(NAME);
            client.send("me@client.example", "you@expta.com", "Subject: hello\r\n\r\nfrom Java\r\n");
            System.out.println("after fix 2: sent over " + client.protocol());
        }
        ask(HttpRequest.newBuilder().GET(), "wait?for=message&to=you@expta.com&security=tls&timeout_ms=10000");
    }

    /** Types cmdlets into the lab's Shell. */
    private static void type(String line, String... answers) throws IOException, InterruptedException {
        String quoted = Stream.of(answers).map(Client::quote).collect(Collectors.joining(","));
        String body = "{\"line\":" + quote(line) + ",\"answers\":[" + quoted + "]}";
        ask(HttpRequest.newBuilder().POST(HttpRequest.BodyPublishers.ofString(body)), "cmdlets");
    }

    /** Asks the lab's control API; what it says is JSON. */
    private static String ask(HttpRequest.Builder request, String path) throws IOException, InterruptedException {
        URI uri = URI.create(System.getenv("STARTTLS_LAB_CONTROL_URL") + "/api/v1/" + path);
        HttpRequest built = request.uri(uri).timeout(Duration.ofMillis(3 * PATIENCE_MILLIS)).build();
        // Without proxies: the lab is on loopback.
        HttpClient client = HttpClient.newBuilder().proxy(HttpClient.Builder.NO_PROXY).build();
        HttpResponse<String> answer = client.send(built, HttpResponse.BodyHandlers.ofString());
        expect(answer.statusCode() == 200, path + ": " + answer.body());
        return answer.body();
    }

    /** A text in JSON. */
    private static String quote(String text) {
        return '"' + text.replace("\\", "\\\\").replace("\"", "\\\"").replace("\n", "\\n") + '"';
    }

    private Client() throws IOException {
        use(new Socket(System.getenv("SMTP_HOST"), Integer.parseInt(System.getenv("SMTP_PORT"))));
        reply(220);
        hello();
    }

    /** STARTTLS; the certificate has to be of an authority that is trusted, and to carry {@code name}. */
    private void startTls(String name) throws IOException {
        expect(extensions.contains("STARTTLS"), "STARTTLS is not offered; there are: " + extensions);
        command("STARTTLS", 220);
        SSLSocketFactory factory = (SSLSocketFactory) SSLSocketFactory.getDefault();
        SSLSocket secured = (SSLSocket) factory.createSocket(socket, name, socket.getPort(), true);
        SSLParameters parameters = secured.getSSLParameters();
        // Without this line JSSE looks at no name at all.
        parameters.setEndpointIdentificationAlgorithm("HTTPS");
        secured.setSSLParameters(parameters);
        secured.startHandshake();
        use(secured);
        hello();
    }

    private void send(String from, String to, String content) throws IOException {
        command("MAIL FROM:<" + from + ">", 250);
        command("RCPT TO:<" + to + ">", 250);
        command("DATA", 354);
        command(content.replace("\r\n.", "\r\n..") + ".", 250);
        command("QUIT", 221);
    }

    private String protocol() {
        return ((SSLSocket) socket).getSession().getProtocol();
    }

    private void hello() throws IOException {
        extensions = command("EHLO client.example", 250);
    }

    private List<String> command(String command, int expected) throws IOException {
        out.write((command + "\r\n").getBytes(StandardCharsets.US_ASCII));
        out.flush();
        return reply(expected);
    }

    /** The texts of a reply's lines (RFC 5321 section 4.2.1). */
    private List<String> reply(int expected) throws IOException {
        List<String> texts = new ArrayList<>();
        String line;
        do {
            line = in.readLine();
            expect(line != null && line.startsWith(expected + ""), "expected " + expected + ", and it said " + line);
            texts.add(line.substring(Math.min(4, line.length())));
        } while (line.startsWith("-", 3));
        return texts;
    }

    private void use(Socket socket) throws IOException {
        this.socket = socket;
        socket.setSoTimeout(PATIENCE_MILLIS);
        in = new BufferedReader(new InputStreamReader(socket.getInputStream(), StandardCharsets.US_ASCII));
        out = socket.getOutputStream();
    }

    private static boolean isAboutACertificate(Throwable error) {
        return error != null && (error instanceof CertificateException || isAboutACertificate(error.getCause()));
    }

    private static void expect(boolean condition, String otherwise) {
        if (!condition) {
            throw new AssertionError(otherwise);
        }
    }

    @Override
    public void close() throws IOException {
        socket.close();
    }
}
