/** Preloaded before the program: sends it SIGHUP while the first of its own files with code of the server is loaded. */
import { plugin } from "bun";

plugin({
  name: "early signal",
  setup(build) {
    build.onLoad({ filter: /\/src\/config\/schema\/options\.ts$/ }, async ({ path }) => {
      process.kill(process.pid, "SIGHUP");
      return { contents: await Bun.file(path).text(), loader: "ts" };
    });
  },
});
