// Open a page in headless Chromium and tell, as JSON on standard output, what a person would notice:
// console messages, requests that leave the file, violations found by axe-core, the way of the keyboard.
// Usage: node check.mjs CHROMIUM PAGE light|dark|print PROFILE
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { pathToFileURL } from "node:url";
import { chromium } from "playwright-core";

const [executablePath, path, appearance, profile] = process.argv.slice(2);
const page_url = pathToFileURL(path).href;
const context = await chromium.launchPersistentContext(profile, {
  executablePath,
  headless: true,
  args: ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update", "--disable-sync", "--no-first-run"],
  colorScheme: appearance === "dark" ? "dark" : "light",
  viewport: { width: 1280, height: 900 },
  bypassCSP: true, // axe-core is put into a page whose policy allows no script at all
});
const page = context.pages()[0] ?? (await context.newPage());
const found = { console: [], errors: [], requests: [] };
page.on("console", (message) => found.console.push(message.text()));
page.on("pageerror", (error) => found.errors.push(String(error)));
page.on("request", (request) => {
  if (request.url() !== page_url && !request.url().startsWith("data:")) found.requests.push(request.url());
});
await page.goto(page_url, { waitUntil: "load" });
if (appearance === "print") await page.emulateMedia({ media: "print" });
await page.keyboard.press("Tab");
found.first_focus = await page.evaluate(() => document.activeElement?.getAttribute("href"));
await page.keyboard.press("Enter");
found.after_skip = await page.evaluate(() => document.activeElement?.id);
if (await page.locator("details").count()) {
  await page.locator("details > summary").first().focus();
  await page.keyboard.press("Enter");
  found.opened_by_keyboard = await page.locator("details").first().evaluate((details) => details.open);
  // What is folded on the screen must be on the paper.
  found.folded_is_visible = await page.locator("details:not([open]) > :not(summary)").last().isVisible();
  await page.locator("details").evaluateAll((all) => all.forEach((details) => (details.open = true)));
}
found.title = await page.title();
found.headings = await page.locator("h1, h2, h3").allInnerTexts();
found.background = await page.evaluate(() => getComputedStyle(document.body).backgroundColor);
found.pictures = await page.locator("svg[role=img]").evaluateAll((all) => all.map((svg) => svg.getBoundingClientRect().height));
found.wider_than_the_page = await page.evaluate(
  () => document.documentElement.scrollWidth > document.documentElement.clientWidth
);
await page.evaluate(readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8"));
const result = await page.evaluate(() => window.axe.run(document, { resultTypes: ["violations"] }));
found.violations = result.violations.map(({ id, help, nodes }) => ({ id, help, first: nodes[0].html.slice(0, 200), nodes: nodes.length }));
found.passes = result.passes.length;
await context.close();
console.log(JSON.stringify(found));
