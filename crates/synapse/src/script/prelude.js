// What scripts of WSO2 call: the message context, and as much of E4X's nodes as they use.
class $Node {
  constructor(list) { this.list = list; }
  $d(name) {
    const out = [];
    const walk = (node) => { for (const c of node.c) if (typeof c !== "string") { if (name === "*" || c.n === name) out.push(c); walk(c); } };
    this.list.forEach(walk);
    return new $Node(out);
  }
  $c(name) {
    const out = [];
    for (const node of this.list) for (const c of node.c) if (typeof c !== "string" && (name === "*" || c.n === name)) out.push(c);
    return new $Node(out);
  }
  $a(name) { return this.list.length ? (this.list[0].a[name] === undefined ? "" : this.list[0].a[name]) : ""; }
  at(index) { return new $Node(this.list.slice(index, index + 1)); }
  children() { return this.$c("*"); }
  child(name) { return this.$c(String(name)); }
  descendants(name) { return this.$d(name === undefined ? "*" : String(name)); }
  attribute(name) { return this.$a(String(name)); }
  length() { return this.list.length; }
  text() { return this.list.map((n) => n.c.filter((c) => typeof c === "string").join("")).join(""); }
  name() { return this.list.length ? this.list[0].n : null; }
  localName() { return this.name(); }
  toXMLString() { return this.list.map(($n) => $write($n, "")).join(""); }
  toString() {
    if (this.list.every((n) => n.c.every((c) => typeof c === "string"))) return this.text();
    return this.toXMLString();
  }
  valueOf() { return this.toString(); }
  [Symbol.iterator]() { return this.list.map((n) => new $Node([n]))[Symbol.iterator](); }
}
function $escape(value) {
  return String(value).replace(/&/g, "&amp;").replace(/</g, "&lt;").replace(/>/g, "&gt;").replace(/"/g, "&quot;");
}
function $value(value) { return value instanceof $Markup || value instanceof $Node && !value.list.every((n) => n.c.every((c) => typeof c === "string")) ? value.toXMLString() : $escape(value); }
function $write(node, outer) {
  const name = node.p ? node.p + ":" + node.n : node.n;
  const declared = node.u !== outer || node.p ? (node.p ? " xmlns:" + node.p : " xmlns") + "=\"" + $escape(node.u) + "\"" : "";
  const attributes = Object.entries(node.a).map(([k, v]) => " " + k + "=\"" + $escape(v) + "\"").join("");
  const inner = node.c.map((c) => typeof c === "string" ? $escape(c) : $write(c, node.p ? outer : node.u)).join("");
  return "<" + name + (node.u || outer ? declared : "") + attributes + (inner ? ">" + inner + "</" + name + ">" : "/>");
}
class $Markup {
  constructor(text) { this.markup = text; }
  toXMLString() { return this.markup; }
  toString() { return this.markup; }
}
function $xml(text) { return new $Markup(text); }
function XML(text) { return new $Markup(String(text)); }
function $run(input, body) {
  const changes = [];
  const scopes = { default: input.default, synapse: input.default, axis2: input.axis2, "axis2-client": input.axis2, operation: input.operation, transport: input.transport };
  const read = (v) => v && typeof v === "object" && v.$xml ? new $Node([v.$xml]) : v;
  const write = (v) => v instanceof $Node || v instanceof $Markup ? { $text: v.toXMLString() } : v === undefined ? null : v;
  let json = input.json;
  let xml = input.xml === null ? null : new $Node([input.xml]);
  const say = (...all) => { changes.push({ do: "log", value: all.join(" ") }); };
  const mc = {
    getPayloadJSON() { return json; },
    setPayloadJSON(value) {
      if (typeof value === "string") { try { value = JSON.parse(value); } catch (e) { throw new Error("setPayloadJSON() is given text that is not JSON"); } }
      json = value;
      changes.push({ do: "json", value });
    },
    getPayloadXML() { return xml; },
    setPayloadXML(value) {
      const text = value instanceof $Node || value instanceof $Markup ? value.toXMLString() : String(value);
      changes.push({ do: "xml", value: text });
    },
    getProperty(name, scope) {
      const from = scopes[scope === undefined ? "default" : scope];
      if (from === undefined) throw new Error("there is no scope " + scope);
      if (scope === "transport") { for (const [k, v] of Object.entries(from)) if (k.toLowerCase() === String(name).toLowerCase()) return v; return null; }
      if (name === "To" && from.To === undefined) return input.to;
      return from[name] === undefined ? null : read(from[name]);
    },
    setProperty(name, value, scope) {
      scope = scope === undefined ? "default" : scope;
      if (scopes[scope] === undefined) throw new Error("there is no scope " + scope);
      scopes[scope][name] = value;
      changes.push({ do: "set", name: String(name), value: write(value), scope });
    },
    removeProperty(name, scope) {
      scope = scope === undefined ? "default" : scope;
      delete scopes[scope][name];
      changes.push({ do: "remove", name: String(name), scope });
    },
    getVariable(name) { const v = input.variables[name]; return v === undefined ? null : read(v); },
    setVariable(name, value) { input.variables[name] = value; changes.push({ do: "variable", name: String(name), value: write(value) }); },
    isResponse() { return input.response; },
    setTo(value) { changes.push({ do: "to", value: String(value) }); },
    getTo() { return { getAddress() { return input.to; } }; },
    getServiceLog() { return mc.log; },
    log: { info: say, debug: say, warn: say, error: say },
  };
  // Scripts do not hold a thread: what they sleep is waited for behind them.
  globalThis.$sleep = (millis) => { changes.push({ do: "sleep", value: Math.max(0, Math.floor(Number(millis)) || 0) }); };
  globalThis.$millis = () => input.millis;
  let uuids = 0;
  globalThis.$uuid = () => {
    const last = (parseInt(input.uuid.slice(-8), 16) + uuids++) % 4294967296;
    return input.uuid.slice(0, -8) + last.toString(16).padStart(8, "0");
  };
  globalThis.print = say;
  globalThis.log = mc.log;
  globalThis.mc = mc;
  body(mc);
  return JSON.stringify(changes);
}
