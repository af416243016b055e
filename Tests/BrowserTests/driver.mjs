// Opens pages in a headless Chromium and does in them what a reader would do.
//
// Reads {"chromium": path, "pages": [{"url", "isScriptDisabled", "isDark", "width", "steps": [step…]}]} from standard
// input and prints one JSON object a page: {"openMilliseconds", "results": [one for each step], "problems": [text…]}.
// A step is {"evaluate": expression}, {"click": selector}, {"key": name, "modifiers"}, {"screenshot": file} or
// {"answer": text} (to the next prompt). Problems are exceptions, console messages, failed or refused requests, and
// requests for anything but the page. Talks to the browser through a pipe (the DevTools protocol), so that no port is open.
import { spawn } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

const job = JSON.parse(readFileSync(0, "utf8"));
const profile = mkdtempSync(join(tmpdir(), "swprof-browser-"));
const browser = spawn(
  job.chromium,
  [
    "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-background-networking", "--no-first-run",
    "--host-resolver-rules=MAP * ~NOTFOUND", "--remote-debugging-pipe", `--user-data-dir=${profile}`, "about:blank",
  ],
  { stdio: ["ignore", "ignore", "ignore", "pipe", "pipe"] });

let number = 0;
let received = Buffer.alloc(0);
const waiting = new Map();
let listener = () => {};
browser.stdio[4].on("data", (bytes) => {
  received = Buffer.concat([received, bytes]);
  for (let end; (end = received.indexOf(0)) >= 0;) {
    const message = JSON.parse(received.subarray(0, end).toString());
    received = received.subarray(end + 1);
    if (message.id) {
      waiting.get(message.id)(message);
      waiting.delete(message.id);
    } else listener(message);
  }
});

function send(method, params = {}, sessionId) {
  return new Promise((resolve, reject) => {
    waiting.set(++number, (answer) => answer.error ? reject(new Error(`${method}: ${answer.error.message}`)) : resolve(answer.result));
    browser.stdio[3].write(JSON.stringify({ id: number, method, params, sessionId }) + "\0");
  });
}

async function visit(page) {
  const { targetId } = await send("Target.createTarget", { url: "about:blank" });
  const { sessionId } = await send("Target.attachToTarget", { targetId, flatten: true });
  const call = (method, params) => send(method, params, sessionId);
  const problems = [];
  let answer = "";
  let loaded;
  const isLoaded = new Promise((resolve) => { loaded = resolve; });
  listener = ({ method, params }) => {
    if (method === "Page.loadEventFired") loaded();
    if (method === "Runtime.exceptionThrown") problems.push(`exception: ${params.exceptionDetails.exception?.description}`);
    if (method === "Runtime.consoleAPICalled") problems.push(`console: ${JSON.stringify(params.args.map((a) => a.value))}`);
    if (method === "Log.entryAdded") problems.push(`log: ${params.entry.text}`);
    if (method === "Network.requestWillBeSent" && params.request.url !== page.url.split("#")[0] && !params.request.url.startsWith("blob:"))
      problems.push(`request: ${params.request.url}`);
    if (method === "Page.javascriptDialogOpening") {
      if (params.type !== "prompt") problems.push(`dialog: ${params.message}`);
      call("Page.handleJavaScriptDialog", { accept: true, promptText: answer });
    }
  };
  await call("Page.enable");
  await call("Runtime.enable");
  await call("Log.enable");
  await call("Network.enable");
  await call("Emulation.setDeviceMetricsOverride", { width: page.width ?? 1280, height: 900, deviceScaleFactor: 1, mobile: false });
  if (page.isScriptDisabled) await call("Emulation.setScriptExecutionDisabled", { value: true });
  await call("Emulation.setEmulatedMedia", { features: [{ name: "prefers-color-scheme", value: page.isDark ? "dark" : "light" }] });
  const start = performance.now();
  await call("Page.navigate", { url: page.url });
  await isLoaded;
  const openMilliseconds = performance.now() - start;
  const results = [];
  for (const step of page.steps ?? []) {
    let result = null;
    if ("evaluate" in step) {
      const done = await call("Runtime.evaluate", { expression: step.evaluate, awaitPromise: true, returnByValue: true });
      if (done.exceptionDetails) problems.push(`step: ${done.exceptionDetails.exception?.description}`);
      result = done.result.value ?? null;
    } else if ("click" in step) {
      const done = await call("Runtime.evaluate", {
        expression: `(() => { const box = document.querySelector(${JSON.stringify(step.click)}).getBoundingClientRect();
          return [box.x + box.width / 2, box.y + box.height / 2]; })()`, returnByValue: true,
      });
      const [x, y] = done.result.value;
      for (const type of ["mouseMoved", "mousePressed", "mouseReleased"])
        await call("Input.dispatchMouseEvent", { type, x, y, button: "left", clickCount: 1 });
    } else if ("key" in step) {
      for (const type of ["keyDown", "keyUp"])
        await call("Input.dispatchKeyEvent", { type, key: step.key, modifiers: step.modifiers ?? 0 });
    } else if ("answer" in step) answer = step.answer;
    else if ("screenshot" in step) {
      const shot = await call("Page.captureScreenshot");
      writeFileSync(step.screenshot, Buffer.from(shot.data, "base64"));
      result = shot.data.length;
    }
    results.push(result);
  }
  await send("Target.closeTarget", { targetId });
  return { openMilliseconds, results, problems };
}

try {
  for (const page of job.pages) console.log(JSON.stringify(await visit(page)));
} finally {
  const isGone = new Promise((resolve) => browser.on("exit", resolve));
  await send("Browser.close").catch(() => {});
  await isGone;
  rmSync(profile, { recursive: true, force: true, maxRetries: 5 });
}
