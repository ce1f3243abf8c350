import "./styles/base.css";
import "./styles/controls.css";
import "./styles/feedback.css";
import "./styles/layout.css";
import "./styles/limits.css";
import "./styles/tokens.css";
import "./styles/table.css";
import "./styles/token.css";
import { render } from "preact";
import { App } from "./app.js";

const root = document.getElementById("app");
if (root) render(<App />, root);
