package starttlslab;

import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.security.GeneralSecurityException;
import java.security.KeyStore;
import java.security.cert.CertificateFactory;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.UnaryOperator;
import java.util.stream.Stream;
import javax.net.ssl.SSLContext;
import javax.net.ssl.TrustManagerFactory;

/** A receive connector on a port of its own. */
public class Connector {
    private Lab lab;
    final Api api;
    private final String computer;
    private final String name;
    private final String host;
    private final int port;

    Connector(Lab lab, Api api, Map<String, Object> view) {
        this.lab = lab;
        this.api = api;
        computer = Values.string(view, "computer");
        name = Values.string(view, "name");
        String address = Values.strings(view, "addrs").get(0);
        int colon = address.lastIndexOf(':');
        host = address.substring(0, colon).replaceAll("[\\[\\]]", "");
        port = Integer.parseInt(address.substring(colon + 1));
    }

    /** The lab it belongs to. */
    public Lab lab() {
        return lab == null ? (Lab) this : lab;
    }

    /** The computer's name. */
    public String computer() {
        return computer;
    }

    /** Its name. */
    public String name() {
        return name;
    }

    /** {@code SERVER\Name}, as cmdlets name it. */
    public String identity() {
        return computer + "\\" + name;
    }

    /** The address it listens on. */
    public String host() {
        return host;
    }

    /** The port it listens on. */
    public int port() {
        return port;
    }

    /** The file with the root certificate that clients have to trust. */
    public Path caFile() {
        return lab().caFile();
    }

    /** The root certificate that clients have to trust, as PEM. */
    public String ca() {
        return lab().ca();
    }

    /** Returns a context that trusts the lab and nobody else. */
    public SSLContext sslContext() {
        try {
            KeyStore trusted = KeyStore.getInstance(KeyStore.getDefaultType());
            trusted.load(null, null);
            trusted.setCertificateEntry("starttls-lab", CertificateFactory.getInstance("X.509")
                    .generateCertificate(new ByteArrayInputStream(ca().getBytes(StandardCharsets.US_ASCII))));
            TrustManagerFactory trust = TrustManagerFactory.getInstance(TrustManagerFactory.getDefaultAlgorithm());
            trust.init(trusted);
            SSLContext context = SSLContext.getInstance("TLS");
            context.init(null, trust.getTrustManagers(), null);
            return context;
        } catch (GeneralSecurityException | IOException error) {
            throw new LabException("no context for TLS: " + error.getMessage(), error);
        }
    }

    /** Waits for the first such message. */
    public Message waitForMessage(Want want) {
        return Message.of(await("message", scope(), want.conditions, want));
    }

    /** Waits for the first such session that has ended. */
    public Session waitForSession(Want want) {
        return Session.of(await("session", scope(), want.conditions, want));
    }

    /** Waits for the first event with this number, such as 12014. */
    public Event waitForEvent(int id) {
        return waitForEvent(id, Want.any());
    }

    /** Like {@link #waitForEvent(int)}, with a time-out. */
    public Event waitForEvent(int id, Want want) {
        Map<String, Object> conditions = new LinkedHashMap<>(want.conditions);
        conditions.put("event_id", id);
        // The Application log calls the computer by another name than the lab file.
        return Event.of(await("event", scope() == null ? null : name, conditions, want));
    }

    private Map<String, Object> await(String kind, String connector, Map<String, Object> conditions, Want want) {
        Map<String, Object> parameters = new LinkedHashMap<>();
        parameters.put("for", kind);
        parameters.put("timeout_ms", (want.timeout == null ? lab().patience() : want.timeout).toMillis());
        parameters.put("connector", connector);
        parameters.putAll(conditions);
        return Values.objects(api.object("GET", "wait?" + Api.query(parameters), null).get("items")).get(0);
    }

    /** What waits are narrowed down to; null for a lab. */
    String scope() {
        return identity();
    }

    private boolean isHere(String computer, String connector) {
        return scope() == null || (this.computer.equals(computer) && name.equals(connector));
    }

    /** Returns the messages so far. */
    public List<Message> messages() {
        Stream<Message> all = api.all("messages").stream().map(Message::of);
        return all.filter(it -> isHere(it.computer(), it.connector())).toList();
    }

    /** Returns the sessions so far. */
    public List<Session> sessions() {
        Stream<Session> all = api.all("sessions").stream().map(Session::of);
        return all.filter(it -> isHere(it.computer(), it.connector())).toList();
    }

    /** Returns the Application log so far. */
    public List<Event> events() {
        return api.all("events").stream().map(Event::of).filter(it -> isHere(computer, it.connector())).toList();
    }

    /** Returns what each client did about TLS. */
    public List<Verdict> verdicts() {
        return verdicts(null);
    }

    /** Like {@link #verdicts()}, for clients that had to expect this name. */
    public List<Verdict> verdicts(String host) {
        String query = host == null ? "" : "?" + Api.query(Map.of("host", host));
        Stream<Verdict> all = api.list("verdicts" + query).stream().map(Verdict::of);
        return all.filter(it -> isHere(it.computer(), it.connector())).toList();
    }

    /** Returns every line that was sent and received, session by session. */
    public String transcript() {
        List<String> lines = new ArrayList<>();
        for (Session session : sessions()) {
            Map<String, Object> view = api.object("GET", "sessions/" + Api.quoted(session.session()), null);
            lines.add(Values.string(view, "outcome"));
            Values.strings(view, "transcript").forEach(line -> lines.add("  " + line));
        }
        return String.join("\n", lines);
    }

    /** Fails the test where envelope, content or credentials came without TLS: now, and again at the end. */
    public void expectNothingInClear() {
        Report.Checked checked = nothingInClear();
        if (!checked.met()) {
            throw new AssertionError("expected nothing in clear, but " + checked.instead());
        }
        lab().atTheEnd(this::nothingInClear);
    }

    private Report.Checked nothingInClear() {
        List<String> leaked = verdicts().stream()
                .filter(verdict -> !verdict.leaks().isEmpty())
                .map(verdict -> String.join(" and ", verdict.leaks()) + " came in clear: " + verdict.words())
                .toList();
        return new Report.Checked("nothing in clear", leaked.isEmpty(), String.join("\n  ", leaked));
    }

    /** Returns whether STARTTLS is offered. */
    public boolean offersStarttls() {
        return Boolean.TRUE.equals(starttls().get("offered"));
    }

    /** Returns why STARTTLS is offered or not: {@code offered}, {@code because}, the certificate's {@code label}, ... */
    public Map<String, Object> starttls() {
        return Values.object(api.object("GET", path(), null), "starttls");
    }

    /** Sets a parameter, such as {@code fqdn}, as Set-ReceiveConnector does; it counts from the next connection. */
    public void set(String parameter, Object value) {
        api.ask("PUT", path(), Map.of(parameter, value));
    }

    /** Adds fault rules for this connector; they count from the next connection. */
    public void fault(Fault... faults) {
        replaceFaults(mine -> {
            List<Object> all = new ArrayList<>(mine);
            Stream.of(faults).forEach(fault -> all.add(fault.on(name)));
            return all;
        });
    }

    /** Removes the fault rules of this connector. */
    public void fix() {
        replaceFaults(mine -> List.of());
    }

    private void replaceFaults(UnaryOperator<List<Object>> change) {
        synchronized (lab()) {
            List<Object> mine = new ArrayList<>();
            List<Object> rules = new ArrayList<>();
            for (Map<String, Object> rule : lab().faults()) {
                if (computer.equals(rule.get("computer"))) {
                    Map<String, Object> fault = Values.object(rule, "fault");
                    (name.equals(fault.get("connector")) ? mine : rules).add(fault);
                }
            }
            rules.addAll(change.apply(mine));
            lab().putFaults(computer, rules);
        }
    }

    /** Removes the connector and its fault rules; its port is free afterwards. */
    public void remove() {
        fix();
        api.ask("DELETE", path(), null);
    }

    private String path() {
        return "connectors/" + Api.quoted(computer) + "/" + Api.quoted(name);
    }
}
