import ApusCore
import ApusServer
import Foundation
import Testing

/// The web page: what its files are served with, and what may not stand in them.
@Suite(.serialized) struct PageTests {
  private static let root = URL(filePath: #filePath).deletingLastPathComponent()
    .appending(path: "../..").standardizedFileURL
  private static let folder = root.appending(path: "Sources/ApusServer/Web")

  /// All files of the page as text, by name.
  private static var texts: [String: String] {
    get throws {
      let names = try FileManager.default.contentsOfDirectory(atPath: folder.path)
      return Dictionary(
        uniqueKeysWithValues: try names.map {
          ($0, try String(contentsOf: folder.appending(path: $0), encoding: .utf8))
        })
    }
  }

  private static func texts(_ suffix: String) throws -> [String: String] {
    try texts.filter { $0.key.hasSuffix(suffix) }
  }

  @Test func everyFileIsServedAsItIs() async throws {
    let server = try await TestServer.shared.value
    let types = [
      "html": "text/html; charset=utf-8", "css": "text/css; charset=utf-8",
      "js": "text/javascript; charset=utf-8", "svg": "image/svg+xml",
      "txt": "text/plain; charset=utf-8",
    ]
    let texts = try Self.texts
    #expect(Set(texts.keys) == Set(WebFiles.all.keys))
    for (name, text) in texts {
      let response = try await server.get(WebFiles.folder + name)
      #expect(response.status == 200, "\(name)")
      #expect(response.text == text, "\(name) was changed after the build")
      let ending = try #require(name.split(separator: ".").last.map(String.init))
      #expect(response.headers["content-type"] == types[ending], "\(name)")
      #expect(response.headers["x-content-type-options"] == "nosniff")
    }
    #expect(try await server.get("/").text == texts[WebFiles.start])
    #expect(try await server.get("/index.html").text == texts[WebFiles.start])
    for path in ["/web/", "/web/other.js", "/web/../Package.swift", "/web/%2e%2e/Package.swift"] {
      #expect(try await server.get(path).status == 404, "\(path)")
    }
  }

  @Test func thePolicyAllowsThisServerAlone() async throws {
    let server = try await TestServer.shared.value
    for path in ["/", "/web/app.js", "/web/base.css"] {
      let headers = try await server.get(path).headers
      let policy = try #require(headers["content-security-policy"])
      #expect(policy.hasPrefix("default-src 'none'"))
      #expect(policy.contains("connect-src 'self'"))
      #expect(policy.contains("script-src 'self'"))
      #expect(!policy.contains("unsafe"))
      #expect(!policy.contains("http"))
      #expect(headers["x-frame-options"] == "DENY")
      #expect(headers["referrer-policy"] == "no-referrer")
      #expect(headers["access-control-allow-origin"] == nil)
    }
  }

  @Test func unchangedFilesAreNotSentAgain() async throws {
    let server = try await TestServer.shared.value
    let first = try await server.get("/web/app.js")
    let tag = try #require(first.headers["etag"])
    #expect(tag.hasPrefix("\"") && tag.hasSuffix("\""))
    #expect(try await server.get("/web/api.js").headers["etag"] != tag)
    for known in [tag, "W/" + tag, "\"a\", " + tag, "*"] {
      let again = try await server.get("/web/app.js", headers: [("If-None-Match", known)])
      #expect(again.status == 304, "\(known)")
      #expect(again.body.isEmpty)
      #expect(again.headers["etag"] == tag)
    }
    let other = try await server.get("/web/app.js", headers: [("If-None-Match", "\"a\"")])
    #expect(other.status == 200)
    #expect(other.body == first.body)
  }

  @Test func nothingComesFromElsewhere() throws {
    for (name, text) in try Self.texts {
      let addresses = text.matches(of: /[a-z]+:\/\/[^\s"'`)]*/).map { String($0.output) }
      #expect(addresses.allSatisfy { $0 == "http://www.w3.org/2000/svg" }, "\(name): \(addresses)")
      #expect(text.matches(of: /["'(=]\/\/[a-z]/).isEmpty, "\(name)")
      #expect(!text.contains("@import") && !text.contains("url("), "\(name)")
    }
  }

  @Test func whatIsReferredToExists() throws {
    let texts = try Self.texts
    for (name, text) in texts {
      var wanted = text.matches(of: /from "\.\/([^"]+)"/).map { String($0.output.1) }
      wanted += text.matches(of: /(?:href|src)="web\/([^"]+)"/).map { String($0.output.1) }
      wanted += text.matches(of: /file: "([^"]+)"/).map { String($0.output.1) }
      for other in wanted { #expect(texts[other] != nil, "\(name) refers to \(other)") }
    }
    let page = try #require(texts[WebFiles.start])
    for (name, text) in try Self.texts(".js") {
      for match in text.matches(of: /find\("([a-z-]+)"\)/) {
        let id = String(match.output.1)
        let isThere =
          page.contains("id=\"\(id)\"")
          || texts.values.contains { $0.contains("id: \"\(id)\"") }
        #expect(isThere, "\(name) looks for #\(id)")
      }
    }
  }

  /// No text can become markup or script, whoever wrote it.
  @Test func nothingIsInlineOrReadAsMarkup() throws {
    let page = try #require(try Self.texts[WebFiles.start])
    for match in page.matches(of: /<script[^>]*>/) { #expect(match.output.contains("src=")) }
    #expect(!page.contains("<style") && !page.contains(" style="))
    #expect(page.matches(of: /\son[a-z]+=/).isEmpty)
    let forbidden = [
      "innerHTML", "outerHTML", "insertAdjacentHTML", "document.write", "eval(", "new Function",
      "DOMParser", "setHTML", "createContextualFragment", "srcdoc",
    ]
    for (name, text) in try Self.texts(".js") {
      for word in forbidden { #expect(!text.contains(word), "\(word) in \(name)") }
    }
  }

  @Test func samplesAreTheExamples() throws {
    for (name, text) in try Self.texts(".txt") {
      let example = Self.root.appending(path: "Examples/" + name)
      #expect(try String(contentsOf: example, encoding: .utf8) == text, "\(name)")
    }
  }

  @Test func filesAreShort() throws {
    for (name, text) in try Self.texts where !name.hasSuffix(".txt") {
      #expect(text.split(separator: "\n", omittingEmptySubsequences: false).count <= 310, "\(name)")
    }
  }
}
