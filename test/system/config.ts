/** Accounts with exports, imports, mappings and permissions of each kind. */
export const CONFIG = `
server_name: same
server_tags: ["az:one", "Az:Two"]
server_metadata: { zone: "<b>", area: "a&b" }
cluster { name: alone }
system_account: SYS
accounts {
  SYS {
    users [{ user: sys, password: p }]
    exports [{ service: "$SYS.DEBUG.SUBSCRIBERS" }]
  }
  A {
    users [
      { user: a, password: p, permissions {
        publish { allow: ["a.>", "$SYS.>", "_INBOX.>"], deny: "a.b" }
        subscribe { allow: [">"], deny: ["x", "y q"] }
        allow_responses { max: 3, expires: "5s" }
      } }
      { user: plain, password: p }
    ]
    exports [
      { service: "svc.*", accounts: [B] }
      { service: "of.*", account_token_position: 2, response: stream }
      { service: chunks, response: chunked }
      { service: measured, latency: { sampling: 50, subject: lat } }
      { service: asked, latency: { sampling: headers, subject: lat } }
      { service: tokens, accounts: [] }
      { stream: "str.>" }
      { stream: only, accounts: [B] }
    ]
    mappings {
      "m.*": [{ dest: "n.$1", weight: 40 }, { dest: "o.$1", weight: 60 }]
      part: [{ dest: other, weight: 30% }]
      far: [{ dest: near, weight: 50, cluster: alone }, { dest: away, weight: 100 }]
      q: r
    }
  }
  B {
    users [{ user: b, password: p }]
    imports [
      { service: { account: A, subject: svc.x }, to: mine, share: true }
      { service: { account: A, subject: measured } }
      { stream: { account: A, subject: str.a }, prefix: pre }
      { stream: { account: A, subject: "str.b.*" }, to: "here.$1" }
      { service: { account: SYS, subject: "$SYS.DEBUG.SUBSCRIBERS" } }
    ]
  }
}`;
