// Before what the pages themselves import, so that theirs goes over it.
import "@fontsource-variable/newsreader/wght.css";
import "./styles/tokens.css";
import "./styles/base.css";
import "./ui/ui.css";
import { StrictMode } from "react";
import { createRoot } from "react-dom/client";
import { App } from "./app.tsx";

const root = document.getElementById("root");
if (root) {
  createRoot(root).render(
    <StrictMode>
      <App />
    </StrictMode>,
  );
}
