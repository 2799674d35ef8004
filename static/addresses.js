// E-mail addresses as the ad platforms want them before they are hashed, and the files that they take.
// Where the rules come from: docs/decisions/0042-the-audience-list-is-made-in-the-browser.md

const plain = (text) => text.trim().toLowerCase();
const isUsable = (address) => /^[^\s@]+@[^\s@]+\.[^\s@.]+$/.test(address);

// user+shop@example.com is the same person as user@example.com.
function withoutTag(address) {
  const [local, domain] = address.split("@");
  return local.split("+")[0] ? `${local.split("+")[0]}@${domain}` : address;
}

const WRITTEN = {
  plain: (address) => address,
  tiktok: withoutTag,
  google: (address) => {
    const [local, domain] = withoutTag(address).split("@");
    const letters = local.replaceAll(".", "");
    return letters && ["gmail.com", "googlemail.com"].includes(domain) ? `${letters}@${domain}` : address;
  },
};

// `header`: none where the file is one column without a name. `more`: what follows the address in each line.
const PLATFORMS = {
  meta: { written: "plain", header: "email" },
  google: { written: "google", header: "Email,Email" },
  linkedin: { written: "plain", header: "email,firstname,lastname,jobtitle,employeecompany,country,googleaid", more: ",,,,,," },
  tiktok: { written: "tiktok", header: "Email_SHA256" },
  pinterest: { written: "plain" },
  x: { written: "plain" },
};
const CONSENT = { header: ",Ad user data consent,Ad personalization consent", more: ",GRANTED,GRANTED" };

const HEX = Array.from({ length: 256 }, (_, byte) => byte.toString(16).padStart(2, "0"));
const encoder = new TextEncoder();

async function sha256(text) {
  const digest = new Uint8Array(await crypto.subtle.digest("SHA-256", encoder.encode(text)));
  let hex = "";
  for (const byte of digest) hex += HEX[byte];
  return hex;
}

// The address as each of WRITTEN, hashed. Google gets the plain one, too, where it differs: its help pages disagree.
async function hashed(address) {
  const hashes = { plain: await sha256(address) };
  for (const name of ["google", "tiktok"]) {
    const written = WRITTEN[name](address);
    hashes[name] = written === address ? hashes.plain : await sha256(written);
  }
  hashes.google += hashes.google === hashes.plain ? "," : `,${hashes.plain}`;
  return hashes;
}
