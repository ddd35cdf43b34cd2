// A real Elasticsearch node in this process, from the jars of Maven Central alone: the
// server, its HTTP transport and nothing else. Works for 8.19 and 9.x.
//
//   java -cp … org.elasticsearch.node.ElasticsearchNode HOME PORT READY PARENT
//
// HOME is an empty folder, removed at the end; PORT 0 takes a free one; the file READY
// gets the port once the node answers; the node ends when the process PARENT does.
package org.elasticsearch.node;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.reflect.Constructor;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.Predicate;
import java.util.function.Supplier;
import java.util.stream.Stream;
import org.elasticsearch.Build;
import org.elasticsearch.client.internal.node.NodeClient;
import org.elasticsearch.cluster.metadata.IndexNameExpressionResolver;
import org.elasticsearch.cluster.node.DiscoveryNodes;
import org.elasticsearch.common.io.stream.NamedWriteableRegistry;
import org.elasticsearch.common.logging.LogConfigurator;
import org.elasticsearch.common.settings.ClusterSettings;
import org.elasticsearch.common.settings.IndexScopedSettings;
import org.elasticsearch.common.settings.Settings;
import org.elasticsearch.common.settings.SettingsFilter;
import org.elasticsearch.env.Environment;
import org.elasticsearch.features.NodeFeature;
import org.elasticsearch.http.HttpServerTransport;
import org.elasticsearch.plugins.ActionPlugin;
import org.elasticsearch.plugins.Plugin;
import org.elasticsearch.plugins.PluginDescriptor;
import org.elasticsearch.plugins.PluginsLoader;
import org.elasticsearch.plugins.PluginsService;
import org.elasticsearch.rest.BaseRestHandler;
import org.elasticsearch.rest.RestController;
import org.elasticsearch.rest.RestHandler;
import org.elasticsearch.rest.RestRequest;
import org.elasticsearch.rest.RestResponse;
import org.elasticsearch.rest.RestStatus;
import org.elasticsearch.search.builder.SearchSourceBuilder;
import org.elasticsearch.transport.netty4.Netty4Plugin;
import org.elasticsearch.xcontent.ToXContent;
import org.elasticsearch.xcontent.XContentBuilder;
import org.elasticsearch.xcontent.XContentParser;

public final class ElasticsearchNode {
    public static void main(String[] args) throws Exception {
        Path home = Path.of(args[0]);
        ProcessHandle parent = ProcessHandle.of(Long.parseLong(args[3])).orElseThrow();
        LogConfigurator.configureESLogging();
        Settings settings = Settings.builder()
            .put("path.home", home.toString())
            .put("node.name", "live")
            .put("cluster.name", "live-elasticsearch")
            .put("network.host", "127.0.0.1")
            .put("http.port", args[1])
            .put("transport.port", "0")
            .put("http.type", "netty4")
            .put("transport.type", "netty4")
            .put("discovery.type", "single-node")
            .put("cluster.routing.allocation.disk.threshold_enabled", false)
            .build();
        Environment environment = InternalSettingsPreparer.prepareEnvironment(settings, Map.of(), null, () -> "live");
        Files.createDirectories(environment.logsDir());
        PluginsLoader loader = PluginsLoader.createPluginsLoader(Set.of(), Set.of(), Map.of(), false);
        Node node = new Node(NodeConstruction.prepareConstruction(environment, loader, new OnClassPath(), true));
        Runtime.getRuntime().addShutdownHook(new Thread(() -> stop(node, home)));
        node.start();
        int port = node.injector().getInstance(HttpServerTransport.class).boundAddress().publishAddress().getPort();
        Path written = Files.writeString(Path.of(args[2] + ".part"), Integer.toString(port));
        Files.move(written, Path.of(args[2]), StandardCopyOption.ATOMIC_MOVE);
        parent.onExit().join();
        System.exit(0);
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

    /** Plugins from the class path, where the node itself would look for folders of a distribution. */
    private static final class OnClassPath extends NodeServiceProvider {
        @Override
        PluginsService newPluginService(Environment environment, PluginsLoader loader) {
            return new PluginsService(environment.settings(), environment.configDir(), loader) {
                private List<Object> loaded;

                @Override
                @SuppressWarnings({"rawtypes", "unchecked"}) // the element type is private to its package
                protected List plugins() {
                    if (loaded == null) {
                        loaded = new ArrayList<>(super.plugins());
                        loaded.add(load(new Netty4Plugin()));
                        loaded.add(load(new RootPlugin()));
                    }
                    return loaded;
                }
            };
        }

        private static Object load(Plugin plugin) {
            String name = plugin.getClass().getName();
            String version = Build.current().version();
            PluginDescriptor descriptor = new PluginDescriptor(
                name, name, version, version, "17", name, null, List.of(), false, false, false, false);
            try {
                Constructor<?> constructor = Class.forName(PluginsService.class.getName() + "$LoadedPlugin")
                    .getDeclaredConstructor(PluginDescriptor.class, Plugin.class, ClassLoader.class);
                constructor.setAccessible(true);
                return constructor.newInstance(descriptor, plugin, plugin.getClass().getClassLoader());
            } catch (ReflectiveOperationException error) {
                throw new IllegalStateException(error);
            }
        }
    }

    /** `GET /`, which belongs to a module that Maven Central does not have: the node's own name and version. */
    private static final class RootPlugin extends Plugin implements ActionPlugin {
        @Override
        public Collection<RestHandler> getRestHandlers(
            Settings settings,
            NamedWriteableRegistry writeables,
            RestController controller,
            ClusterSettings clusterSettings,
            IndexScopedSettings indexSettings,
            SettingsFilter filter,
            IndexNameExpressionResolver resolver,
            Supplier<DiscoveryNodes> nodes,
            Predicate<NodeFeature> features) {
            return List.of(new Root(settings), new Understood());
        }
    }

    private static final class Root extends BaseRestHandler {
        private final Settings settings;

        private Root(Settings settings) {
            this.settings = settings;
        }

        @Override
        public String getName() {
            return "live_root";
        }

        @Override
        public List<Route> routes() {
            return List.of(new Route(RestRequest.Method.GET, "/"));
        }

        @Override
        protected RestChannelConsumer prepareRequest(RestRequest request, NodeClient client) {
            Build build = Build.current();
            return channel -> {
                XContentBuilder body = channel.newBuilder()
                    .startObject()
                    .field("name", settings.get("node.name"))
                    .field("cluster_name", settings.get("cluster.name"))
                    .startObject("version")
                    .field("number", build.version())
                    .field("build_flavor", build.flavor())
                    .field("build_hash", build.hash())
                    .endObject()
                    .field("tagline", "You Know, for Search")
                    .endObject();
                channel.sendResponse(new RestResponse(RestStatus.OK, body));
            };
        }
    }

    /** `POST /_live/understood`: the search body as the node parses it for `_search`, printed by the node. */
    private static final class Understood extends BaseRestHandler {
        @Override
        public String getName() {
            return "live_understood";
        }

        @Override
        public List<Route> routes() {
            return List.of(new Route(RestRequest.Method.POST, "/_live/understood"));
        }

        @Override
        protected RestChannelConsumer prepareRequest(RestRequest request, NodeClient client) throws IOException {
            SearchSourceBuilder source;
            try (XContentParser parser = request.contentParser()) {
                source = new SearchSourceBuilder().parseXContent(parser, true, feature -> true);
            }
            return channel -> {
                XContentBuilder body = source.toXContent(channel.newBuilder(), ToXContent.EMPTY_PARAMS);
                channel.sendResponse(new RestResponse(RestStatus.OK, body));
            };
        }
    }
}
