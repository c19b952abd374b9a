package starttlslab;

import java.lang.annotation.Documented;
import java.lang.annotation.ElementType;
import java.lang.annotation.Retention;
import java.lang.annotation.RetentionPolicy;
import java.lang.annotation.Target;
import org.junit.jupiter.api.extension.ExtendWith;

/**
 * Gives each test that has a parameter of type {@link Lab} a lab of its own. At the end of the test every fault rule has
 * to have been applied and every expectation met; a test that failed shows the transcript.
 *
 * <p>Without {@code scenario} it is a connector that offers STARTTLS with a certificate for mx.lab.test, localhost and
 * 127.0.0.1.
 */
@Documented
@Target({ElementType.TYPE, ElementType.METHOD})
@Retention(RetentionPolicy.RUNTIME)
@ExtendWith(StarttlsLabExtension.class)
public @interface StarttlsLab {
    /** A built-in scenario, an entry of the fault catalogue, or the path of a lab file. */
    String scenario() default "";
}
