import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.OutputStream;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.security.cert.CertificateException;
import java.util.ArrayList;
import java.util.List;
import javax.net.ssl.SSLException;
import javax.net.ssl.SSLParameters;
import javax.net.ssl.SSLSocket;
import javax.net.ssl.SSLSocketFactory;

/**
 * What does a client of plain JSSE say of the lab's certificate? It needs no build tool:
 *
 * <pre>starttls-lab exec healthy --trust-env --expect-messages 1 --expect-tls -- java Client.java</pre>
 *
 * The server is known as mail.expta.com, and its certificate says mailgate.expta.com: verification fails.
 * Then the client asks for the name in the certificate. Whom to trust Java learns from --trust-env.
 */
final class Client implements AutoCloseable {
    private static final int PATIENCE_MILLIS = 10_000;

    private Socket socket;
    private BufferedReader in;
    private OutputStream out;
    private List<String> extensions;

    public static void main(String[] arguments) throws IOException {
        try (Client client = new Client()) {
            client.startTls("mail.expta.com");
            throw new AssertionError("the wrong name was taken for the right one");
        } catch (SSLException refused) {
            expect(isAboutACertificate(refused), "refused, but not for the certificate: " + refused);
            System.out.println("as mail.expta.com: " + refused.getMessage());
        }
        try (Client client = new Client()) {
            client.startTls("mailgate.expta.com");
            client.send("me@client.example", "you@expta.com", "Subject: hello\r\n\r\nfrom Java\r\n");
            System.out.println("as mailgate.expta.com: sent over " + client.protocol());
        }
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
