import HTTPTypes
import Hummingbird

/// A page for people who open the server in a browser.
struct Page: Endpoint {
  let paths = ["/", "/index.html"]
  let isPublic = true

  func respond(to call: Call, using services: Services) async throws -> Response {
    var headers: HTTPFields = [
      .contentType: "text/html; charset=utf-8",
      .contentSecurityPolicy:
        "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
      .cacheControl: "no-cache",
    ]
    for (name, value) in [("x-frame-options", "DENY"), ("referrer-policy", "no-referrer")] {
      if let name = HTTPField.Name(name) { headers[name] = value }
    }
    return Response(
      status: .ok, headers: headers, body: ResponseBody(byteBuffer: ByteBuffer(string: Self.html)))
  }

  private static let html = """
    <!doctype html>
    <html lang="en">
    <head>
    <meta charset="utf-8">
    <meta name="viewport" content="width=device-width, initial-scale=1">
    <title>Apus</title>
    <style>
    body { font: 1rem/1.5 system-ui, sans-serif; max-width: 42rem; margin: 3rem auto; padding: 0 1rem; }
    code, pre { font-family: ui-monospace, monospace; }
    pre { overflow-x: auto; padding: 1rem; border: 1px solid; }
    </style>
    </head>
    <body>
    <main>
    <h1>Apus</h1>
    <p>An inference server for language models and long texts. It speaks the OpenAI interface under
    <code>/v1</code>.</p>
    <ul>
    <li><a href="/health">/health</a> whether requests are taken</li>
    <li><a href="/v1/models">/v1/models</a> the model</li>
    <li><a href="/metrics">/metrics</a> figures for Prometheus</li>
    <li><a href="/props">/props</a> settings</li>
    <li><a href="/slots">/slots</a> running requests</li>
    <li><a href="/version">/version</a></li>
    </ul>
    <p>To be called with POST: <code>/v1/chat/completions</code>, <code>/v1/completions</code>,
    <code>/completion</code>, <code>/tokenize</code>, <code>/detokenize</code>,
    <code>/apply-template</code>.</p>
    <pre><code>curl -H 'content-type: application/json' \\
      -d '{"messages": [{"role": "user", "content": "Hello"}], "max_tokens": 32}' \\
      http://localhost:8080/v1/chat/completions</code></pre>
    </main>
    </body>
    </html>

    """
}
