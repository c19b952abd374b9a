package starttlslab;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStream;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;

/** A process of {@code starttls-lab serve} that ends when this one does. */
final class Program {
    private static final int START_TIMEOUT_SECONDS = 30;
    private static final int STOP_TIMEOUT_SECONDS = 10;
    private static final int LINES_KEPT = 200;

    final Path folder;
    final Path caFile;
    final Map<String, Object> ready;
    private final Process process;
    private final Deque<String> output = new ArrayDeque<>();
    private final List<Thread> readers = new ArrayList<>();

    Program(List<String> arguments) {
        try {
            folder = Files.createTempDirectory("starttls-lab-");
        } catch (IOException error) {
            throw new LabException("no temporary folder: " + error.getMessage(), error);
        }
        caFile = folder.resolve("ca.pem");
        List<String> command = new ArrayList<>(List.of(find(), "serve"));
        command.addAll(arguments);
        command.addAll(List.of("--port", "0", "--ca-file", caFile.toString(), "--exit-on-stdin-eof"));
        ProcessBuilder builder = new ProcessBuilder(command);
        // Without the program's own variables, which would change the lab.
        builder.environment().keySet().removeIf(name -> name.toUpperCase().startsWith("STARTTLS_LAB"));
        try {
            process = builder.start();
        } catch (IOException error) {
            removeFolder();
            throw new LabException("cannot run " + command.get(0) + ": " + error.getMessage(), error);
        }
        CompletableFuture<String> first = new CompletableFuture<>();
        read(process.getErrorStream(), null);
        read(process.getInputStream(), first);
        ready = Json.readObject(firstLine(first));
    }

    /** The program's path: the variable STARTTLS_LAB, the property starttls.lab, or starttls-lab on the PATH. */
    static String find() {
        String given = System.getenv("STARTTLS_LAB");
        return given != null && !given.isEmpty() ? given : System.getProperty("starttls.lab", "starttls-lab");
    }

    private void read(InputStream stream, CompletableFuture<String> first) {
        Thread reader = new Thread(() -> {
            try (BufferedReader lines = new BufferedReader(new InputStreamReader(stream, StandardCharsets.UTF_8))) {
                for (String line = lines.readLine(); line != null; line = lines.readLine()) {
                    if (first == null || !first.complete(line)) {
                        keep(line);
                    }
                }
            } catch (IOException closed) {
                keep(closed.getMessage());
            }
            if (first != null) {
                first.complete(null);
            }
        }, "starttls-lab output");
        reader.setDaemon(true);
        reader.start();
        readers.add(reader);
    }

    private String firstLine(CompletableFuture<String> first) {
        String line = null;
        try {
            line = first.get(START_TIMEOUT_SECONDS, TimeUnit.SECONDS);
        } catch (TimeoutException | ExecutionException late) {
            keep(late.toString());
        } catch (InterruptedException interrupted) {
            Thread.currentThread().interrupt();
        }
        if (line == null) {
            if (first.isDone()) {
                // It ended by itself, and to kill it closes the stream that says why.
                joinReaders();
            }
            kill();
            throw new LabException("the lab did not start:\n" + said());
        }
        return line;
    }

    private synchronized void keep(String line) {
        output.add(line);
        if (output.size() > LINES_KEPT) {
            output.remove();
        }
    }

    private synchronized String said() {
        return String.join("\n", output);
    }

    /** Ends the process in good order. */
    void stop() {
        try {
            process.getOutputStream().close();
            if (!process.waitFor(STOP_TIMEOUT_SECONDS, TimeUnit.SECONDS)) {
                kill();
                throw new LabException("the lab did not end within " + STOP_TIMEOUT_SECONDS + " s and was killed");
            }
        } catch (IOException error) {
            kill();
            throw new LabException("cannot end the lab: " + error.getMessage(), error);
        } catch (InterruptedException interrupted) {
            kill();
            Thread.currentThread().interrupt();
            return;
        }
        cleanUp();
        if (process.exitValue() != 0) {
            throw new LabException("the lab ended with exit code " + process.exitValue() + ":\n" + said());
        }
    }

    /** Ends the process at once. */
    void kill() {
        process.destroyForcibly().onExit().join();
        cleanUp();
    }

    private void cleanUp() {
        joinReaders();
        removeFolder();
    }

    private void joinReaders() {
        for (Thread reader : readers) {
            try {
                reader.join(1000L * STOP_TIMEOUT_SECONDS);
            } catch (InterruptedException interrupted) {
                Thread.currentThread().interrupt();
            }
        }
    }

    private void removeFolder() {
        try {
            Files.deleteIfExists(folder.resolve("ca.pem"));
            Files.deleteIfExists(folder);
        } catch (IOException leftBehind) {
            folder.toFile().deleteOnExit();
        }
    }
}
