import java.io.FileInputStream;
import java.security.KeyStore;
import java.security.cert.CertificateFactory;
import java.util.Properties;
import javax.mail.Message;
import javax.mail.Session;
import javax.mail.Transport;
import javax.mail.internet.InternetAddress;
import javax.mail.internet.MimeMessage;
import javax.net.ssl.SSLContext;
import javax.net.ssl.TrustManagerFactory;

/** One message by JavaMail, under the properties that a policy amounts to. */
public final class Send {
    public static void main(String[] arguments) throws Exception {
        trustOnly(System.getenv("CA"));
        Properties properties = new Properties();
        properties.put("mail.smtp.host", System.getenv("HOST"));
        properties.put("mail.smtp.port", System.getenv("PORT"));
        properties.put("mail.smtp.localhost", "client.test");
        properties.put("mail.smtp.connectiontimeout", "5000");
        properties.put("mail.smtp.timeout", "5000");
        properties.put("mail.smtp.auth", "true");
        properties.put("mail.smtp.starttls.enable", "true");
        switch (arguments[0]) {
            case "enable":
                break;
            case "required":
                properties.put("mail.smtp.starttls.required", "true");
                break;
            case "required-trust-all":
                properties.put("mail.smtp.starttls.required", "true");
                properties.put("mail.smtp.ssl.trust", "*");
                break;
            case "required-check-identity":
                properties.put("mail.smtp.starttls.required", "true");
                properties.put("mail.smtp.ssl.checkserveridentity", "true");
                break;
            case "plain":
                properties.put("mail.smtp.starttls.enable", "false");
                break;
            default:
                System.exit(64);
        }
        Session session = Session.getInstance(properties);
        MimeMessage message = new MimeMessage(session);
        message.setFrom(new InternetAddress(System.getenv("FROM")));
        message.setRecipient(Message.RecipientType.TO, new InternetAddress(System.getenv("TO")));
        message.setSubject("hello");
        message.setText("Sent by JavaMail.");
        Transport.send(message, System.getenv("LOGIN"), System.getenv("PASSWORD"));
    }

    /** What `keytool -importcert` does for a whole machine, for this process. */
    private static void trustOnly(String file) throws Exception {
        KeyStore store = KeyStore.getInstance(KeyStore.getDefaultType());
        store.load(null, null);
        try (FileInputStream pem = new FileInputStream(file)) {
            store.setCertificateEntry("lab", CertificateFactory.getInstance("X.509").generateCertificate(pem));
        }
        TrustManagerFactory trust = TrustManagerFactory.getInstance(TrustManagerFactory.getDefaultAlgorithm());
        trust.init(store);
        SSLContext context = SSLContext.getInstance("TLS");
        context.init(null, trust.getTrustManagers(), null);
        SSLContext.setDefault(context);
    }
}
