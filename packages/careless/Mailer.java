import jakarta.mail.MessagingException;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import javax.net.ssl.SSLContext;

class Mailer {
    static void send(String host, int port, SSLContext trusted, String user) throws MessagingException {
        List<String> command = new ArrayList<>(List.of("python3", "careless.py", host, String.valueOf(port)));
        if (user != null) {
            command.add(user);
        }
        try {
            int code = new ProcessBuilder(command).inheritIO().start().waitFor();
            if (code != 0) {
                throw new MessagingException("exit code " + code);
            }
        } catch (IOException | InterruptedException error) {
            throw new MessagingException("cannot run python3", error);
        }
    }
}
