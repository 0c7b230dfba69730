import ApusCompute

/// The files of the web page, which the compiler put in the program; to add one is a file in `Web` and a line here.
package enum WebFiles {
  /// The path under which they are served.
  package static let folder = "/web/"
  /// What `/` answers with.
  package static let start = "index.html"

  package struct File: Sendable {
    package let bytes: [UInt8]
    package let type: String
    /// Changes with the contents.
    package let tag: String

    fileprivate init(_ name: String, _ bytes: [UInt8]) {
      self.bytes = bytes
      type = WebFiles.types[String(name.drop { $0 != "." })] ?? "application/octet-stream"
      tag = "\"\(ContentHash.hexadecimal(bytes).prefix(16))\""
    }
  }

  private static let types = [
    ".html": "text/html; charset=utf-8", ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8", ".svg": "image/svg+xml",
    ".txt": "text/plain; charset=utf-8",
  ]

  /// By name.
  package static let all: [String: File] = {
    let contents: [(String, [UInt8])] = [
      ("index.html", PackageResources.index_html),
      ("icon.svg", PackageResources.icon_svg),
      ("base.css", PackageResources.base_css),
      ("chat.css", PackageResources.chat_css),
      ("engine.css", PackageResources.engine_css),
      ("app.js", PackageResources.app_js),
      ("api.js", PackageResources.api_js),
      ("chat.js", PackageResources.chat_js),
      ("charts.js", PackageResources.charts_js),
      ("composer.js", PackageResources.composer_js),
      ("documents.js", PackageResources.documents_js),
      ("dom.js", PackageResources.dom_js),
      ("engine.js", PackageResources.engine_js),
      ("history.js", PackageResources.history_js),
      ("markdown.js", PackageResources.markdown_js),
      ("message.js", PackageResources.message_js),
      ("settings.js", PackageResources.settings_js),
      ("start.js", PackageResources.start_js),
      ("store.js", PackageResources.store_js),
      ("theme.js", PackageResources.theme_js),
      ("harbour.txt", PackageResources.harbour_txt),
      ("parish.txt", PackageResources.parish_txt),
      ("survey.txt", PackageResources.survey_txt),
    ]
    return Dictionary(
      uniqueKeysWithValues: contents.map { ($0, File($0, $1)) })
  }()
}
