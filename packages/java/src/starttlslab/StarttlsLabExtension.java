package starttlslab;

import org.junit.jupiter.api.extension.AfterTestExecutionCallback;
import org.junit.jupiter.api.extension.ExtensionContext;
import org.junit.jupiter.api.extension.ExtensionContext.Namespace;
import org.junit.jupiter.api.extension.ExtensionContext.Store.CloseableResource;
import org.junit.jupiter.api.extension.ParameterContext;
import org.junit.jupiter.api.extension.ParameterResolver;
import org.junit.platform.commons.support.AnnotationSupport;

/** What {@link StarttlsLab} does. */
final class StarttlsLabExtension implements ParameterResolver, AfterTestExecutionCallback {
    private static final Namespace NAMESPACE = Namespace.create(StarttlsLabExtension.class);

    /** A lab that ends with its test, however that ends. */
    private record Running(Lab lab) implements CloseableResource {
        @Override
        public void close() {
            lab.finish();
        }
    }

    StarttlsLabExtension() {}

    @Override
    public boolean supportsParameter(ParameterContext parameter, ExtensionContext test) {
        return parameter.getParameter().getType() == Lab.class;
    }

    @Override
    public Object resolveParameter(ParameterContext parameter, ExtensionContext test) {
        return test.getStore(NAMESPACE)
                .getOrComputeIfAbsent(Running.class, key -> new Running(start(test)), Running.class)
                .lab();
    }

    private static Lab start(ExtensionContext test) {
        String scenario = AnnotationSupport.findAnnotation(test.getElement(), StarttlsLab.class)
                .or(() -> AnnotationSupport.findAnnotation(test.getTestClass(), StarttlsLab.class))
                .map(StarttlsLab::scenario)
                .orElse("");
        return scenario.isEmpty() ? Lab.start() : Lab.scenario(scenario);
    }

    @Override
    public void afterTestExecution(ExtensionContext test) {
        Running running = test.getStore(NAMESPACE).get(Running.class, Running.class);
        if (running == null) {
            return;
        }
        Report report = running.lab().finish();
        if (test.getExecutionException().isPresent()) {
            System.err.println("starttls-lab saw:\n" + report.transcript());
        } else {
            report.assertOk();
        }
    }
}
