import react from "@vitejs/plugin-react";
import { loadEnv } from "vite";
import { defineConfig } from "vitest/config";

export default defineConfig(({ mode }) => {
  // `npm run dev` stands before a server that `parley up` started.
  const server = loadEnv(mode, ".", "PARLEY_").PARLEY_URL ?? "http://127.0.0.1:8080";
  return {
    plugins: [react()],
    build: {
      target: "es2022",
      // A worklet's module must be a file: the Content-Security-Policy has no data: scripts.
      assetsInlineLimit: 0,
    },
    server: { host: "127.0.0.1", proxy: { "/room/": server, "/v1/": server } },
    test: { include: ["src/**/*.test.ts"] },
  };
});
