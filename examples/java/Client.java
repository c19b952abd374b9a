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
import starttlslab.Lab;
import starttlslab.Want;

/**
 * What does a client of plain JSSE do with STARTTLS? Java 17 or newer, and no build tool:
 *
 * <pre>
 * STARTTLS_LAB=path/to/starttls-lab java -cp starttls-lab-junit-0.1.0.jar Client.java
 * </pre>
 *
 * The client dials mail.expta.com and insists: on TLS, and on a certificate of that name. The lab withholds
 * STARTTLS; the first fix brings it back with a certificate of another name, the second one with the right
 * one.
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

    private final Lab lab;
    private Socket socket;
    private BufferedReader in;
    private OutputStream out;
    private List<String> extensions;

    public static void main(String[] arguments) throws IOException {
        try (Lab lab = Lab.scenario("fqdn-mismatch")) {
            lab.expectEvent(12014);
            lab.expectNoMessageInClear();
            scenario(lab);
        }
    }

    private static void scenario(Lab lab) throws IOException {
        try (Client client = new Client(lab)) {
            expect(!client.extensions.contains("STARTTLS"), "STARTTLS is offered");
            System.out.println("before: STARTTLS is not offered");
        }

        lab.run(OTHER_FQDN);
        try (Client client = new Client(lab)) {
            client.startTls(NAME);
            throw new AssertionError("the wrong name was taken for the right one");
        } catch (SSLException refused) {
            expect(isAboutACertificate(refused), "refused, but not for the certificate: " + refused);
            System.out.println("after fix 1: " + refused.getMessage());
        }

        // The question whether to replace the default certificate is answered with no.
        lab.run(NEW_CERTIFICATE, "no");
        try (Client client = new Client(lab)) {
            client.startTls(NAME);
            client.send("me@client.example", "you@expta.com", "Subject: hello\r\n\r\nfrom Java\r\n");
        }
        System.out.println("after fix 2: sent over "
                + lab.waitForMessage(Want.any().to("you@expta.com").overTls()).tlsVersion());
    }

    private Client(Lab lab) throws IOException {
        this.lab = lab;
        use(new Socket(lab.host(), lab.port()));
        reply(220);
        hello();
    }

    /** STARTTLS; the certificate has to be of an authority that is trusted, and to carry {@code name}. */
    private void startTls(String name) throws IOException {
        expect(extensions.contains("STARTTLS"), "STARTTLS is not offered; there are: " + extensions);
        command("STARTTLS", 220);
        SSLSocket secured = (SSLSocket)
                lab.sslContext().getSocketFactory().createSocket(socket, name, socket.getPort(), true);
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
