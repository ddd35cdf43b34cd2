// A real OpenSearch node in this process, from the jars of Maven Central alone: the
// server and the modules that it is always shipped with. Works for 2.19 and 3.x.
//
//   java -cp … OpenSearchNode HOME PORT READY PARENT
//
// HOME is an empty folder, removed at the end; PORT 0 takes a free one; the file READY
// gets the port once the node answers; the node ends when the process PARENT does.
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.opensearch.Version;
import org.opensearch.common.logging.LogConfigurator;
import org.opensearch.common.settings.Settings;
import org.opensearch.env.Environment;
import org.opensearch.http.HttpServerTransport;
import org.opensearch.node.InternalSettingsPreparer;
import org.opensearch.node.Node;
import org.opensearch.plugins.PluginInfo;

public final class OpenSearchNode extends Node {
    // The endings differ: "Plugin" in 2, "ModulePlugin" in 3.
    private static final List<String> PLUGINS = List.of(
        "org.opensearch.transport.Netty4",
        "org.opensearch.analysis.common.CommonAnalysis",
        "org.opensearch.painless.Painless",
        "org.opensearch.index.mapper.MapperExtras",
        "org.opensearch.join.ParentJoin",
        "org.opensearch.percolator.Percolator",
        "org.opensearch.search.aggregations.matrix.MatrixAggregation",
        "org.opensearch.geo.Geo");

    @SuppressWarnings({"rawtypes", "unchecked"}) // a Collection of classes in 2, of PluginInfo in 3
    private OpenSearchNode(Environment environment, Collection plugins) {
        super(environment, plugins, false);
    }

    public static void main(String[] args) throws Exception {
        Path home = Path.of(args[0]);
        ProcessHandle parent = ProcessHandle.of(Long.parseLong(args[3])).orElseThrow();
        Settings settings = Settings.builder()
            .put("path.home", home.toString())
            .put("node.name", "live")
            .put("cluster.name", "live-opensearch")
            .put("network.host", "127.0.0.1")
            .put("http.port", args[1])
            .put("transport.port", "0")
            .put("http.type", "netty4")
            .put("transport.type", "netty4")
            .put("discovery.type", "single-node")
            .put("cluster.routing.allocation.disk.threshold_enabled", false)
            .build();
        Environment environment = InternalSettingsPreparer.prepareEnvironment(settings, Map.of(), null, () -> "live");
        LogConfigurator.setNodeName("live");
        Node node = new OpenSearchNode(environment, plugins());
        Runtime.getRuntime().addShutdownHook(new Thread(() -> stop(node, home)));
        node.start();
        int port = node.injector().getInstance(HttpServerTransport.class).boundAddress().publishAddress().getPort();
        Path written = Files.writeString(Path.of(args[2] + ".part"), Integer.toString(port));
        Files.move(written, Path.of(args[2]), StandardCopyOption.ATOMIC_MOVE);
        parent.onExit().join();
        System.exit(0);
    }

    private static List<Object> plugins() throws ReflectiveOperationException {
        boolean classes = Version.CURRENT.major < 3;
        List<Object> found = new ArrayList<>();
        for (String name : PLUGINS) {
            Class<?> plugin = plugin(name);
            found.add(classes ? plugin : new PluginInfo(
                plugin.getName(), name, Version.CURRENT.toString(), Version.CURRENT, "21", plugin.getName(), null,
                List.of(), false));
        }
        return found;
    }

    private static Class<?> plugin(String name) throws ClassNotFoundException {
        try {
            return Class.forName(name + "ModulePlugin");
        } catch (ClassNotFoundException error) {
            return Class.forName(name + "Plugin");
        }
    }

    private static void stop(Node node, Path home) {
        try (node) {
            // closed first: it still writes to its folder until then
        } catch (Exception error) {
            error.printStackTrace();
        }
        for (int attempt = 0; attempt < 5 && Files.exists(home); attempt++) {
            try (Stream<Path> files = Files.walk(home)) {
                files.sorted(Comparator.reverseOrder()).forEach(file -> file.toFile().delete());
            } catch (IOException | UncheckedIOException error) {
                error.printStackTrace(); // a file went away while the folder was read
            }
        }
    }
}
