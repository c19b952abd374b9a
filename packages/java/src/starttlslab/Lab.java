package starttlslab;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.Predicate;
import java.util.function.Supplier;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/** A lab in a process of its own, on free ports of loopback; as a connector it is its first one. */
public final class Lab extends Connector implements AutoCloseable {
    /** What the certificate says where nothing else is asked for, so that a client may dial any of it and verify. */
    private static final String[] NAMES = {"mx.lab.test", "localhost", "127.0.0.1"};
    private static final Duration DRAIN_TIMEOUT = Duration.ofMillis(500);

    private final Program program;
    private final String ca;
    private Duration patience = Duration.ofSeconds(5);
    private int numbers;
    private Report report;
    private final Set<Object> applied = new HashSet<>();
    private final List<Supplier<Report.Checked>> expectations = new ArrayList<>();

    private Lab(Program program) {
        super(null, new Api(Values.string(program.ready, "control")),
                Values.objects(program.ready.get("connectors")).get(0));
        this.program = program;
        try {
            ca = Files.readString(program.caFile);
        } catch (IOException error) {
            program.kill();
            throw new LabException("no root certificate: " + error.getMessage(), error);
        }
    }

    /** Starts a connector that offers STARTTLS with a certificate for mx.lab.test, localhost and 127.0.0.1. */
    public static Lab start() {
        return connector(NAMES[0], NAMES);
    }

    /** Starts a built-in scenario or an entry of the fault catalogue, such as {@code fqdn-mismatch}. */
    public static Lab scenario(String name) {
        return new Lab(new Program(List.of(name)));
    }

    /** Starts a lab file, TOML or JSON. */
    public static Lab file(Path path) {
        return new Lab(new Program(List.of(path.toAbsolutePath().toString())));
    }

    /** Starts the text of a lab file. */
    public static Lab text(String text) {
        Path file = null;
        try {
            file = Files.createTempFile("starttls-lab-", ".toml");
            Files.writeString(file, text);
            return file(file);
        } catch (IOException error) {
            throw new LabException("cannot write the lab file: " + error.getMessage(), error);
        } finally {
            if (file != null) {
                file.toFile().delete();
            }
        }
    }

    /**
     * Starts an Edge with one connector that answers as {@code fqdn}, and a certificate with these names. Without a
     * certificate that has the name {@code fqdn}, the connector withholds STARTTLS.
     */
    public static Lab connector(String fqdn, String... certificate) {
        List<String> arguments = new ArrayList<>(List.of("--fqdn", fqdn));
        if (certificate.length > 0) {
            arguments.addAll(List.of("--certificate", String.join(",", certificate)));
        }
        return new Lab(new Program(arguments));
    }

    /** Sets the time-out of waits that have none of their own; 5 seconds by default. */
    public Lab patience(Duration patience) {
        this.patience = patience;
        return this;
    }

    Duration patience() {
        return patience;
    }

    @Override
    String scope() {
        return null;
    }

    @Override
    public Path caFile() {
        return program.caFile;
    }

    @Override
    public String ca() {
        return ca;
    }

    /** The version of the program. */
    public String version() {
        return Values.string(program.ready, "version");
    }

    /** Returns all receive connectors. */
    public List<Connector> connectors() {
        return api.list("connectors").stream().map(view -> new Connector(this, api, view)).toList();
    }

    /** Returns a connector by its name, {@code SERVER\Name} or FQDN. */
    public Connector connector(String name) {
        List<Map<String, Object>> fit = api.list("connectors").stream()
                .filter(view -> Stream.of(identity(view), view.get("name"), view.get("fqdn"))
                        .anyMatch(known -> name.equalsIgnoreCase(known.toString())))
                .toList();
        if (fit.size() != 1) {
            String known = connectors().stream().map(Connector::identity).collect(Collectors.joining(", "));
            throw new LabException(name + " is " + fit.size() + " of these connectors: " + known);
        }
        return new Connector(this, api, fit.get(0));
    }

    private static String identity(Map<String, Object> view) {
        return view.get("computer") + "\\" + view.get("name");
    }

    /** Adds a receive connector on a free port. */
    public Connector addConnector() {
        return addConnector(Map.of());
    }

    /** Like {@link #addConnector()}, with the keys of a lab file's {@code receive_connector}. */
    public synchronized Connector addConnector(Map<String, ?> parameters) {
        Map<String, Object> body = new LinkedHashMap<>();
        body.put("computer", computer());
        body.put("name", "Test " + ++numbers);
        body.put("usage", "Custom");
        body.put("auth_mechanism", List.of("Tls"));
        body.put("permission_groups", List.of("AnonymousUsers"));
        // A test is one address that does a lot at once, and does not want to wait for the tarpit.
        body.put("tarpit_interval", "0s");
        body.put("max_inbound_connection_per_source", "unlimited");
        body.put("max_inbound_connection_percentage_per_source", 100);
        body.put("message_rate_limit", "unlimited");
        body.putAll(parameters);
        return new Connector(this, api, api.object("POST", "connectors", body));
    }

    /**
     * Runs commands in the Exchange Management Shell of the only computer and returns what it prints; {@code answers}
     * are those to the questions that the commands ask.
     */
    public String run(String commands, String... answers) {
        return runOn(null, commands, answers);
    }

    /** Like {@link #run}, on the computer of this name. */
    public String runOn(String computer, String commands, String... answers) {
        Map<String, Object> body = new LinkedHashMap<>();
        body.put("line", commands);
        body.put("answers", List.of(answers));
        body.put("computer", computer);
        return Values.string(api.object("POST", "cmdlets", body), "output");
    }

    /** Replaces the lab file by this one, in TOML, and returns what is different. */
    public List<String> reconfigure(String toml) {
        return Values.strings(api.object("PUT", "scenario", toml), "changes");
    }

    /** Goes back to the lab file of the start. */
    public void reset() {
        api.ask("POST", "reset", null);
    }

    /** Advances the lab's clock and returns the time there. */
    public Instant advance(Duration by) {
        return Instant.parse(Values.string(api.object("POST", "clock", Map.of("advance", by.toString())), "now"));
    }

    /** Returns the fault rules: {@code computer}, {@code row}, how often it was {@code done}, and the {@code fault}. */
    public List<Map<String, Object>> faults() {
        return api.list("faults");
    }

    /** Replaces the fault rules of a computer; they count from the next connection. */
    public synchronized void setFaults(String computer, Fault... faults) {
        putFaults(computer, Stream.of(faults).<Object>map(Fault::json).toList());
    }

    void putFaults(String computer, List<Object> rules) {
        // A computer's counts begin anew then.
        faults().stream().filter(Lab::isApplied).forEach(rule -> applied.add(rule.get("fault")));
        api.ask("PUT", "computers/" + Api.quoted(computer) + "/faults", Map.of("fault", rules));
    }

    private static boolean isApplied(Map<String, Object> rule) {
        return Values.number(rule, "done") > 0;
    }

    /** Sends any other request to the control API, {@code /api/v1/} before it; returns the JSON of the answer. */
    public Object ask(String method, String path, Object body) {
        return api.ask(method, path, body);
    }

    /** Lets {@link #finish} check that there was such a message. */
    public void expectMessage(Want want) {
        atTheEnd(() -> check(true, "message" + want, messages(), want::is));
    }

    /** Lets {@link #finish} check that there was no such message. */
    public void expectNoMessage(Want want) {
        atTheEnd(() -> check(false, "message" + want, messages(), want::is));
    }

    /** Lets {@link #finish} check that no message came without TLS. */
    public void expectNoMessageInClear() {
        expectNoMessage(Want.any().inClear());
    }

    /** Lets {@link #finish} check that there was such a session. */
    public void expectSession(Want want) {
        atTheEnd(() -> check(true, "session" + want, sessions(), want::is));
    }

    /** Lets {@link #finish} check that such an event was logged. */
    public void expectEvent(int id) {
        atTheEnd(() -> check(true, "event " + id, events(), event -> event.id() == id));
    }

    /** Lets {@link #finish} check that no such event was logged. */
    public void expectNoEvent(int id) {
        atTheEnd(() -> check(false, "event " + id, events(), event -> event.id() == id));
    }

    void atTheEnd(Supplier<Report.Checked> check) {
        expectations.add(check);
    }

    private static <T> Report.Checked check(boolean wanted, String noun, List<T> all, Predicate<T> fits) {
        List<T> fit = all.stream().filter(fits).toList();
        List<T> shown = wanted ? all : fit;
        String instead = shown.isEmpty() ? "there was none"
                : shown.stream().map(item -> "\n  " + item).collect(Collectors.joining("", "there was:", ""));
        return new Report.Checked((wanted ? "" : "no ") + noun, wanted != fit.isEmpty(), instead);
    }

    /** Ends the lab and reports what was expected, and whether every fault rule was applied. */
    public Report finish() {
        if (report != null) {
            return report;
        }
        try {
            drain();
            List<Report.Checked> checked = new ArrayList<>();
            expectations.forEach(check -> checked.add(check.get()));
            for (Map<String, Object> rule : faults()) {
                Map<String, Object> fault = Values.object(rule, "fault");
                if (!Boolean.TRUE.equals(fault.get("optional"))) {
                    boolean met = isApplied(rule) || applied.contains(fault);
                    checked.add(new Report.Checked(inWords(rule, fault), met, "it was never applied"));
                }
            }
            report = new Report(sessions(), messages(), events(), checked, transcript());
        } catch (RuntimeException error) {
            program.kill();
            throw error;
        }
        program.stop();
        return report;
    }

    private static String inWords(Map<String, Object> rule, Map<String, Object> fault) {
        String connector = fault.get("connector") == null ? "" : "\\" + fault.get("connector");
        return "fault rule " + rule.get("row") + " at " + fault.get("at") + " on " + rule.get("computer") + connector
                + ": " + Json.write(fault.get("do"));
    }

    /** Ends the lab, and fails where something was not as expected. */
    @Override
    public void close() {
        if (report == null) {
            finish().assertOk();
        }
    }

    /** Lets sessions end by themselves. */
    private void drain() {
        long deadline = System.nanoTime() + DRAIN_TIMEOUT.toNanos();
        while (System.nanoTime() < deadline && sessions().stream().anyMatch(it -> it.ending() == null)) {
            try {
                Thread.sleep(10);
            } catch (InterruptedException interrupted) {
                Thread.currentThread().interrupt();
                return;
            }
        }
    }
}
