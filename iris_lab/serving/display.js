// Shows the demo page below the sentence once the endpoint has proved, by its token, that this cell launched it.
for (const block of document.querySelectorAll("div.iris-lab-endpoint:empty")) {
  const { port, token, prefix, curl } = block.dataset;
  const local = `http://127.0.0.1:${port}/`;
  const add = (tag, properties) => block.appendChild(Object.assign(document.createElement(tag), properties));

  // JupyterLab and Notebook 7 name their base URL in the page; a notebook that is read elsewhere has none.
  const config = document.getElementById("jupyter-config-data");
  const base = config ? JSON.parse(config.textContent).baseUrl : document.body.dataset.baseUrl;
  const proxied = prefix ? location.pathname.startsWith(prefix) && prefix : base;
  const isNear = location.protocol === "vscode-webview:" ||
    ["127.0.0.1", "localhost", "[::1]"].includes(location.hostname);
  // Elsewhere 127.0.0.1 is another machine, and the browser would ask its user for permission.
  const urls = [];
  if (isNear && !prefix) urls.push(local);
  if (proxied) urls.push(`${proxied}proxy/${port}/`);

  const show = (url) => {
    if (block.childElementCount) return;
    add("p", { textContent: "It answers now at " })
      .appendChild(Object.assign(document.createElement("a"), { href: url, target: "_blank", textContent: url }));
    const style = "width: 100%; height: 720px; border: 1px solid #77818e; border-radius: 6px";
    add("iframe", { src: url, title: "Demo page of the endpoint", allow: "clipboard-write", style });
    const where = url === local ? "a terminal" : "a terminal of the machine on which the notebook runs";
    add("p", { textContent: `Or ask it from ${where}:` });
    add("pre", { textContent: `curl ${local}${curl}` });
  };
  const attempt = ([url, ...others]) => {
    if (!url) return;
    const proof = new Image();
    proof.onload = () => show(url);
    proof.onerror = () => attempt(others); // through an SSH tunnel only the proxy is near
    proof.src = `${url}launched/${token}`;
  };
  attempt(urls);
}
