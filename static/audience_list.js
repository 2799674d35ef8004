// Joins Stripe's customer export with the customers of an audience, hashes their addresses and saves the list as files.
// All of it happens here. The page that holds this script may reach nothing, neither mani nor anybody else: its headers
// and the frame's own policy say so, and the frame has no cookies and no storage. WebRTC is the one thing that no policy
// covers, so it is taken away first.
delete window.RTCPeerConnection;
delete window.webkitRTCPeerConnection;

const PIECE = 4 * 1024 * 1024; // bytes that are read at once
const SAMPLE = 256 * 1024; // bytes by which a file's kind is told
const BATCH = 4000; // addresses that are hashed at once
const IN_LIST = 1, HELD_OUT = 2, SEEN = 4;
const FEW = 0.9; // of the customers; when fewer are found, it may be the wrong file
const ID_NAMES = ["id", "customer id", "customer", "stripe customer id"];
const MAIL_NAMES = ["email", "customer email", "e-mail", "email address", "mail"];
const OTHER_EXPORTS = { sub: "subscriptions", ch: "payments", py: "payments", pi: "payments", in: "invoices" };
const HOW = "In Stripe choose Customers, then Export, with all customers and the columns ID and Email.";

const byId = (id) => document.getElementById(id);
const counted = (number) => number.toLocaleString("en");
const pause = () => new Promise((resolve) => setTimeout(resolve)); // lets the page be drawn and “Cancel” be pressed
function isShown(id, shown) {
  byId(id).hidden = !shown;
  if (shown) byId(id).scrollIntoView({ block: "nearest" });
}
let current = null; // what is under way; an earlier one ends when it sees that it no longer is
let people = null; // of the file that was read: address -> IN_LIST or HELD_OUT, or both
let links = []; // addresses of the files that can be saved

document.addEventListener("DOMContentLoaded", () => {
  const dark = matchMedia("(prefers-color-scheme: dark)").matches;
  document.documentElement.dataset.bsTheme = dark ? "dark" : "light";
  byId("file").addEventListener("change", (event) => start((run) => findCustomers(run, event.target.files[0])));
  byId("cancel").addEventListener("click", () => {
    current = people = null;
    byId("file").value = "";
    isShown("working", false);
    isShown("found", false);
    byId("said").textContent = "Cancelled. Nothing of the file is kept.";
  });
  // A click, since the frame may submit no form.
  byId("make-files").addEventListener("click", () => byId("make").reportValidity() && start(make));
  document.addEventListener("dragover", (event) => event.preventDefault());
  document.addEventListener("drop", (event) => {
    event.preventDefault();
    if (event.dataTransfer.files.length && event.target.id !== "last") start((run) => findCustomers(run, event.dataTransfer.files[0]));
  });
});

// --- what happens when something is pressed ---------------------------------------------------------------------------

async function start(task) {
  const run = (current = {});
  isShown("problem", false);
  isShown("working", true);
  byId("said").textContent = "";
  try {
    await task(run);
  } catch (error) {
    if (run !== current) return;
    isShown("problem", true);
    byId("problem").textContent = error instanceof Problem ? error.message
      : "The file can't be read. If it was moved or is still being written, choose it once more.";
  }
  if (run === current) isShown("working", false);
}

async function goOn(run, done, of, what) {
  byId("progress").max = of;
  byId("progress").value = done;
  byId("doing").textContent = `${what} ${Math.floor((100 * done) / of)}%`;
  await pause();
  if (run !== current) throw new Error("cancelled");
}

async function findCustomers(run, file) {
  if (!file) throw new Problem("No file was chosen.");
  people = null;
  isShown("found", false);
  forgetFiles();
  const began = performance.now();
  const form = await tellForm(file);
  const counts = await readCustomers(run, file, form).catch((error) => {
    if (!(error instanceof TypeError) || form.encoding !== "utf-8") throw error;
    return readCustomers(run, file, { ...form, encoding: "windows-1252" }); // as older spreadsheet programs save
  });
  if (!counts.found) throw new Problem(`None of the ${counted(counts.all)} customers of this audience is in the file. Is it of the right Stripe account, and of ${document.body.dataset.mode} data?`);
  for (const element of document.querySelectorAll("[data-count]")) {
    element.textContent = counted(counts[element.dataset.count]);
    element.parentElement.hidden = !counts[element.dataset.count] && "optional" in element.parentElement.dataset;
  }
  const seconds = ((performance.now() - began) / 1000).toFixed(1);
  byId("said").textContent = `Read ${counted(counts.rows)} rows of ${file.name} in ${seconds} s, and of each row two columns: ${form.names.join(" and ")}. Nothing was sent.`;
  isShown("few", counts.found < FEW * counts.all);
  isShown("found", true);
}

async function make(run) {
  const last = new Map();
  forgetFiles();
  for (const file of byId("last").files) {
    const [platform, lines] = await readLast(run, file);
    last.set(platform, lines);
  }
  const files = await writeFiles(run, last, byId("make").elements.consent.value === "yes");
  for (const [platform, name, lines, parts] of files) offer(platform, name, lines, parts);
  byId("said").textContent = "The files are ready to be saved. Nothing was sent.";
  isShown("files", true);
}

function forgetFiles() {
  links.forEach(URL.revokeObjectURL);
  links = [];
  isShown("files", false);
  for (const list of document.querySelectorAll("[data-platform] ul")) list.replaceChildren();
}

function offer(platform, name, lines, parts) {
  const link = document.createElement("a"), item = document.createElement("li");
  link.href = URL.createObjectURL(new Blob(parts, { type: "text/csv" }));
  link.download = `${document.body.dataset.name}-${platform}-${name}.csv`;
  link.textContent = `${link.download} (${counted(lines)})`;
  links.push(link.href);
  item.append(link);
  document.querySelector(`[data-platform=${platform}] ul`).append(item);
}

// --- the file of Stripe's customers -----------------------------------------------------------------------------------

// How a file is written and which columns count: {encoding, delimiter, before, id, mail, names}.
async function tellForm(file) {
  const bytes = new Uint8Array(await file.slice(0, SAMPLE).arrayBuffer());
  if (!bytes.length) throw new Problem(`This file is empty. ${HOW}`);
  if (bytes[0] === 0x50 && bytes[1] === 0x4b) throw new Problem("This is a spreadsheet or a ZIP, not a CSV file. Choose the file as Stripe has made it, or save the sheet as CSV.");
  const encoding = tellEncoding(bytes);
  const text = new TextDecoder(encoding).decode(bytes);
  if (/^\s*[[{]/.test(text)) throw new Problem(`This is JSON, not CSV. ${HOW}`);
  const said = /^"?sep=(.)/i.exec(text);
  let delimiter, rows, names, header = -1;
  for (const candidate of said ? [said[1]] : [",", ";", "\t", "|"]) {
    rows = [];
    new CsvReader(candidate, (cells) => rows.push(cells)).read(text, file.size <= SAMPLE);
    names = rows.slice(0, 4).map((cells) => cells.map((cell) => cell.trim().toLowerCase().replaceAll("_", " ")));
    header = names.findIndex((row) => row.some((name) => ID_NAMES.includes(name) || MAIL_NAMES.includes(name)));
    delimiter = candidate;
    if (header >= 0) break;
  }
  if (header < 0) throw new Problem(`The first lines of this file name no column such as ID or Email. ${HOW}`);
  if (names[header].some((name) => /card[. ](number|last4|fingerprint)/.test(name))) throw new Problem(`This file holds card data: it is an export of payments, or for a move to another provider. ${HOW}`);
  const cells = rows.slice(header + 1), id = tellIdColumn(names[header], cells);
  const mail = names[header].indexOf(MAIL_NAMES.find((name) => names[header].includes(name)));
  const listed = rows[header].map((cell) => cell.trim()).filter(Boolean).slice(0, 8).join(", ");
  if (!cells.length) throw new Problem(`This file has a header and no customers. ${HOW}`);
  if (id < 0) throw new Problem(`No column of this file holds customer ids, which begin with cus_. It has: ${listed}. ${HOW}`);
  if (mail < 0) throw new Problem(`This file has no column Email. It has: ${listed}. ${HOW}`);
  return { encoding, delimiter, before: header + 1, id, mail, names: [rows[header][id], rows[header][mail]] };
}

function tellEncoding(bytes) {
  if (bytes[0] === 0xff && bytes[1] === 0xfe) return "utf-16le";
  if (bytes[0] === 0xfe && bytes[1] === 0xff) return "utf-16be";
  const first = bytes.subarray(0, 4096);
  if (first.filter((byte, place) => !byte && place % 2).length > first.length / 4) return "utf-16le";
  return first.filter((byte, place) => !byte && place % 2 === 0).length > first.length / 4 ? "utf-16be" : "utf-8";
}

// By what is in it, since “id” is a subscription in one export of Stripe's and a payment in another.
function tellIdColumn(header, rows) {
  for (const [column, name] of header.entries()) {
    const filled = rows.map((cells) => (cells[column] ?? "").trim()).filter(Boolean).slice(0, 200);
    const ids = filled.filter((cell) => /^g?cus_\w+$/.test(cell));
    if (ids.length && ids.length >= 0.9 * filled.length) return column;
    const other = name === "id" && OTHER_EXPORTS[filled[0]?.split("_")[0]];
    if (other && !header.some((cell) => cell.startsWith("customer"))) throw new Problem(`This is Stripe's export of ${other}. ${HOW}`);
  }
  return -1;
}

async function* pieces(run, file, encoding, what) {
  const decoder = new TextDecoder(encoding, { fatal: encoding === "utf-8" });
  for (let at = 0; at < file.size; at += PIECE) {
    yield decoder.decode(await file.slice(at, at + PIECE).arrayBuffer(), { stream: true });
    await goOn(run, Math.min(at + PIECE, file.size), file.size, what);
  }
}

async function readCustomers(run, file, form) {
  const sides = getAudience(), addresses = new Map();
  const counts = { all: sides.size, rows: 0, found: 0, repeated: 0, without: 0, unusable: 0, shared: 0, both: 0, heldOut: 0, listed: 0 };
  let before = form.before;
  const reader = new CsvReader(form.delimiter, (cells) => {
    if (before-- > 0) return;
    counts.rows += 1;
    const id = (cells[form.id] ?? "").trim(), side = sides.get(id);
    if (side === undefined) return;
    if (side & SEEN) return void (counts.repeated += 1);
    sides.set(id, side | SEEN);
    counts.found += 1;
    const address = plain(cells[form.mail] ?? "");
    if (!address) return void (counts.without += 1);
    if (!isUsable(address)) return void (counts.unusable += 1);
    const known = addresses.get(address);
    if (known) counts.shared += 1;
    addresses.set(known ? address : copy(address), known | side);
  }, [form.id, form.mail]);
  for await (const text of pieces(run, file, form.encoding, "Reading:")) reader.read(text);
  reader.read("", true);
  for (const side of addresses.values()) {
    if (side === IN_LIST) counts.listed += 1;
    else counts[side === HELD_OUT ? "heldOut" : "both"] += 1;
  }
  people = addresses;
  return counts;
}

// mani's customer ids of the audience, one in each line.
function getAudience() {
  const sides = new Map();
  for (const [element, side] of [["in-list", IN_LIST], ["held-out", HELD_OUT]]) {
    for (const line of byId(element).content.textContent.split("\n")) if (line) sides.set(line, side);
  }
  return sides;
}

// A text of its own. A part of a text keeps the whole one in memory, here the piece of the file.
const scratch = new Uint8Array(1024), decoder = new TextDecoder();
const copy = (text) => decoder.decode(scratch.subarray(0, encoder.encodeInto(text, scratch).written));

// --- the files for the platforms --------------------------------------------------------------------------------------

// A list that was uploaded: its platform, and each line's hashes by the first of them, which is the platform's own.
async function readLast(run, file) {
  const lines = new Map();
  let header = null;
  const reader = new CsvReader(",", (cells) => {
    header ??= cells.join();
    const hashes = cells.slice(0, header.startsWith("Email,Email") ? 2 : 1);
    if (/^[0-9a-f]{64}$/.test(hashes[0])) lines.set(hashes[0], hashes.join());
  });
  for await (const text of pieces(run, file, "utf-8", "Reading the last list:")) reader.read(text);
  reader.read("", true);
  const names = Object.keys(PLATFORMS);
  const platform = names.find((name) => file.name.includes(`-${name}-everyone`));
  if (!platform || !lines.size) throw new Problem(`${file.name} isn't a list that was made here. Choose a file whose name ends in “everyone”, as it was saved.`);
  return [platform, lines];
}

// [platform, which of its files, number of lines, parts]: everyone for each platform, and where its last list was given
// also who has come and who has gone.
async function writeFiles(run, last, hasConsent) {
  const everyone = [], bodies = new Map(), files = [];
  for (const [address, side] of people) if (side === IN_LIST) everyone.push(address);
  if (!everyone.length) throw new Problem("Nobody with a usable e-mail address is left, so there is no list to make.");
  for (const [platform, { written, header = "", more = "" }] of Object.entries(PLATFORMS)) {
    const consent = hasConsent && platform === "google" ? CONSENT : { header: "", more: "" };
    const end = `${more}${consent.more}\n`, key = written + end; // platforms that write the same share a body
    if (!bodies.has(key)) bodies.set(key, { written, end, parts: [], seen: new Set() });
    const first = header ? `${header}${consent.header}\n` : "";
    files.push({ platform, first, body: bodies.get(key), before: last.get(platform), added: [] });
  }
  for (let at = 0; at < everyone.length; at += BATCH) {
    const addresses = everyone.slice(at, at + BATCH);
    const hashes = await Promise.all(addresses.map(hashed));
    for (const body of bodies.values()) {
      // Two addresses may be one as this platform writes them.
      const fresh = hashes.filter((_, place) => body.seen.size < body.seen.add(WRITTEN[body.written](addresses[place])).size);
      body.latest = fresh.map((hash) => hash[body.written]);
      body.parts.push(new Blob([body.latest.map((line) => line + body.end).join("")]));
    }
    for (const { body, before, added } of files) {
      if (before) added.push(...body.latest.filter((line) => !before.delete(line.slice(0, 64))));
    }
    await goOn(run, Math.min(at + BATCH, everyone.length), everyone.length, "Hashing:");
  }
  return files.flatMap(({ platform, first, body, before, added }) => {
    const made = [[platform, "everyone", body.seen.size, [first, ...body.parts]]];
    if (before) {
      const gone = [...before.values()]; // those that were not found again
      made.push([platform, "add", added.length, [first, ...added.map((line) => line + body.end)]]);
      made.push([platform, "remove", gone.length, [first, ...gone.map((line) => line + body.end)]]);
    }
    return made;
  });
}
