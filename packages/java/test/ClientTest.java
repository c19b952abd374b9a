import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import jakarta.mail.Message.RecipientType;
import jakarta.mail.MessagingException;
import jakarta.mail.Session;
import jakarta.mail.Transport;
import jakarta.mail.internet.InternetAddress;
import jakarta.mail.internet.MimeMessage;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Properties;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import starttlslab.Connector;
import starttlslab.Fault;
import starttlslab.Lab;
import starttlslab.LabException;
import starttlslab.Report;
import starttlslab.StarttlsLab;
import starttlslab.Verdict;
import starttlslab.WaitTimeout;
import starttlslab.Want;

/** The client and the extension, as they are in the jar, with JavaMail. */
@StarttlsLab
class ClientTest {
    private static final String TO = "you@expta.com";

    private static void send(Connector to, String host, boolean insist) throws MessagingException {
        Properties properties = new Properties();
        properties.put("mail.smtp.host", host);
        properties.put("mail.smtp.port", to.port());
        properties.put("mail.smtp.starttls.enable", true);
        properties.put("mail.smtp.starttls.required", insist);
        // JavaMail 1.6.5 does not find an address among a certificate's names, so names alone are verified.
        properties.put("mail.smtp.ssl.checkserveridentity", host.equals("localhost"));
        properties.put("mail.smtp.ssl.socketFactory", to.sslContext().getSocketFactory());
        MimeMessage message = new MimeMessage(Session.getInstance(properties));
        message.setFrom(new InternetAddress("me@contoso.com"));
        message.setRecipient(RecipientType.TO, new InternetAddress(TO));
        message.setSubject("h\u00e9llo \"quoted\"");
        message.setText("secret");
        Transport.send(message);
    }

    private static void has(String text, String... wanted) {
        Arrays.stream(wanted).forEach(it -> assertTrue(text.contains(it), () -> it + " is not in:\n" + text));
    }

    @Test
    void javaMailVerifiesWhatItDials(Lab lab) throws MessagingException {
        send(lab, "localhost", true);
        send(lab, "localhost", true);
        starttlslab.Message first = lab.waitForMessage(Want.any().to(TO).from("me@contoso.com").overTls());
        starttlslab.Message second = lab.waitForMessage(Want.any().after(first.seq()));
        assertEquals("TLSv1.3", first.tlsVersion());
        assertTrue(second.overTls() && second.id() == first.id() + 1);
        assertEquals(1, lab.waitForSession(Want.any().overTls()).messagesOverTls());
        lab.expectNothingInClear();
        assertEquals(0, lab.messages().stream().filter(it -> !it.overTls()).count());
    }

    @Test
    void whereStarttlsIsWithheldTheLabSaysWhatCameInClearAndWhy(Lab lab) throws MessagingException {
        lab.set("fqdn", "mail.expta.com");
        assertFalse(lab.offersStarttls());
        send(lab, "localhost", false);
        AssertionError inClear = assertThrows(AssertionError.class, lab::expectNothingInClear);
        has(inClear.getMessage(), "envelope and body came in clear", "STARTTLS was not offered");
        WaitTimeout miss = assertThrows(WaitTimeout.class,
                () -> lab.waitForMessage(Want.any().overTls().within(Duration.ofMillis(50))));
        has(miss.getMessage(), "no message over TLS", "in clear");
        assertEquals(12014, lab.waitForEvent(12014).id());
        assertEquals(1, lab.events().size());
        assertThrows(MessagingException.class, () -> send(lab, "localhost", true));
        Verdict verdict = lab.verdicts().get(0);
        assertEquals(List.of("envelope", "body"), verdict.leaks());
    }

    @Test
    void faultsOfTwoConnectorsDoNotMix(Lab lab) throws MessagingException {
        Connector one = lab.addConnector();
        Connector other = lab.addConnector(Map.of("fqdn", "mx.lab.test"));
        one.fault(Fault.at("handshake", "close").times(1));
        other.fault(Fault.reply("end-of-data", "452 4.3.1 Insufficient system resources"));
        assertThrows(MessagingException.class, () -> send(one, "localhost", true));
        send(one, "localhost", true);
        has(assertThrows(MessagingException.class, () -> send(other, "localhost", true)).toString(), "452");
        assertEquals(List.of(1, 0), List.of(one.messages().size(), other.messages().size()));
        other.fix();
        send(other, "localhost", true);
        assertEquals(other.port(), lab.connector(other.identity()).port());
        other.remove();
        assertEquals(2, lab.connectors().size());
    }

    @Test
    void nothingInClearMayBeExpectedBeforehand() throws MessagingException {
        Lab lab = Lab.connector("mail.expta.com", "localhost");
        lab.expectNothingInClear();
        send(lab, "localhost", false);
        AssertionError error = assertThrows(AssertionError.class, lab::close);
        has(error.getMessage(), "NOT as expected: nothing in clear; envelope and body came in clear");
    }

    @Test
    void aFaultThatWasNeverAppliedIsNotAsExpected() {
        Lab lab = Lab.start();
        lab.fault(Fault.at("handshake", "close"));
        has(assertThrows(AssertionError.class, lab::close).getMessage(), "at handshake on LAB\\", "it was never applied");
    }

    @Test
    @StarttlsLab(scenario = "fqdn-mismatch")
    void theSeedScenarioFromMailInClearToMailOverTls(Lab lab) throws MessagingException {
        lab.expectEvent(12014);
        lab.expectMessage(Want.any().to(TO).inClear());
        lab.expectMessage(Want.any().to(TO).from("me@contoso.com").overTls());
        lab.expectSession(Want.any().overTls());
        lab.expectNoMessage(Want.any().to("nobody@expta.com"));
        send(lab, "localhost", false);
        lab.run("Get-ReceiveConnector | Set-ReceiveConnector -Fqdn mailgate.expta.com");
        // JavaMail verifies the name that it dials, and that is not in the certificate.
        assertThrows(MessagingException.class, () -> send(lab, "localhost", true));
        send(lab, "127.0.0.1", true);
        Report report = lab.finish();
        report.assertOk();
        has(report.transcript(), "TLSv1.3");
    }

    @Test
    void anExpectationThatIsNotMetSaysWhatThereWasInstead() throws MessagingException {
        Lab lab = Lab.connector("mail.contoso.com", "mx.contoso.com");
        lab.expectNoEvent(12014);
        lab.expectNoMessageInClear();
        lab.expectMessage(Want.any().to("nobody@expta.com"));
        send(lab, "localhost", false);
        Report report = lab.finish();
        assertEquals(List.of(false, false, false), report.expectations().stream().map(Report.Checked::met).toList());
        has(report.toString(), "NOT as expected: message, to nobody@expta.com; there was:\n  message 1 from me@contoso.com");
    }

    @Test
    void aLabFileIsReplacedWhileTheLabRuns(@TempDir Path folder) throws Exception {
        Path file = Files.writeString(folder.resolve("lab.toml"), show("healthy"));
        try (Lab one = Lab.file(file); Lab other = Lab.text(show("healthy"))) {
            assertNotEquals(one.port(), other.port());
            other.reconfigure(show("fqdn-mismatch"));
            assertTrue(one.offersStarttls() && !other.offersStarttls());
            other.reset();
            assertTrue(other.offersStarttls());
        }
    }

    private static String show(String scenario) throws Exception {
        String program = System.getenv().getOrDefault("STARTTLS_LAB", "starttls-lab");
        Process process = new ProcessBuilder(program, "show", scenario).start();
        return new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
    }

    @Test
    void theClockIsAdvanced(Lab lab) {
        Duration by = Duration.ofHours(36);
        Instant before = lab.advance(Duration.ZERO);
        assertFalse(lab.advance(by).isBefore(before.plus(by)));
    }

    @Test
    void whatTheLabRefusesIsRefusedInItsWords(Lab lab) {
        LabException unknown = assertThrows(LabException.class, () -> Lab.scenario("fqdn-mismatsch"));
        has(unknown.getMessage(), "did you mean `fqdn-mismatch`?");
        String command = "Set-ReceiveConnector \"LAB\\Nowhere\" -Fqdn mail.expta.com";
        LabException refused = assertThrows(LabException.class, () -> lab.runOn("LAB", command));
        has(refused.getMessage(), "couldn't be found");
        assertNotNull(lab.version());
    }
}
