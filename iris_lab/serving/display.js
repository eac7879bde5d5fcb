// Shows the demo page below the sentence once the endpoint has proved, by its token, that this cell launched it.
for (const block of document.querySelectorAll("div.iris-lab-endpoint:empty")) {
  const { port, token, prefix, curl } = block.dataset;
  const local = `http://127.0.0.1:${port}/`;
  const url = prefix ? `${prefix}proxy/${port}/` : local;
  // Elsewhere the endpoint could not be framed, and the browser would ask its user for permission.
  const known = prefix ? location.pathname.startsWith(prefix)
    : location.protocol === "vscode-webview:" || ["127.0.0.1", "localhost"].includes(location.hostname);
  const add = (tag, properties) => block.appendChild(Object.assign(document.createElement(tag), properties));
  const proof = new Image();
  proof.onload = () => {
    if (block.childElementCount) return;
    add("p", { textContent: "It answers now at " })
      .appendChild(Object.assign(document.createElement("a"), { href: url, target: "_blank", textContent: url }));
    const style = "width: 100%; height: 720px; border: 1px solid #77818e; border-radius: 6px";
    add("iframe", { src: url, title: "Demo page of the endpoint", allow: "clipboard-write", style });
    add("p", { textContent: "Or ask it from a terminal:" });
    add("pre", { textContent: `curl ${local}${curl}` });
  };
  if (known) proof.src = `${url}launched/${token}`;
}
