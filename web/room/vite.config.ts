import react from "@vitejs/plugin-react";
import { defineConfig } from "vitest/config";

// `npm run dev` stands before a server that `parley up` started.
const server = process.env.PARLEY_URL ?? "http://127.0.0.1:8080";
const toServer = { target: server, changeOrigin: true };

export default defineConfig({
  plugins: [react()],
  build: {
    target: "es2022",
    // A worklet's module must be a file: the Content-Security-Policy has no data: scripts.
    assetsInlineLimit: 0,
  },
  server: {
    host: "127.0.0.1",
    proxy: Object.fromEntries(["/room/", "/v1/"].map((path) => [path, toServer])),
  },
  test: { include: ["src/**/*.test.ts"] },
});
