import Foundation

/// The texts of the checkout that show Swift, and the listings that they show.
enum Documentation {
  /// Lines of a file that belong together.
  struct Passage: Hashable {
    let file: String
    /// That of its first line, from 1.
    let line: Int
    let lines: [String]

    var place: String { "\(file):\(line)" }
  }

  private static let root = URL(filePath: #filePath).deletingLastPathComponent()
    .appending(path: "../..").standardized
  private static let catalogue = "Sources/Apus/Apus.docc"
  private static let folder = "Tests/ApusTests/Listings"

  /// The README, and all articles.
  static func documents() throws -> [String] {
    ["README.md"] + (try files(catalogue, ending: ".md"))
  }

  /// The blocks of a document that are fenced as Swift.
  static func blocks(of document: String) throws -> [Passage] {
    try passages(of: document, from: "```swift", to: "```")
  }

  /// All listings: what stands between `// listing` and `// end`.
  static func listings() throws -> [Passage] {
    try files(folder, ending: ".swift").flatMap {
      try passages(of: $0, from: "// listing", to: "// end")
    }
  }

  /// The text of an example document.
  static func example(_ name: String) throws -> String { try text("Examples/" + name) }

  private static func text(_ path: String) throws -> String {
    try String(contentsOf: root.appending(path: path), encoding: .utf8)
  }

  private static func files(_ folder: String, ending: String) throws -> [String] {
    try FileManager.default.contentsOfDirectory(atPath: root.appending(path: folder).path)
      .filter { $0.hasSuffix(ending) }.sorted().map { folder + "/" + $0 }
  }

  /// What stands between two marks, without the spaces that all its lines begin with.
  private static func passages(
    of path: String, from opening: String, to closing: String
  ) throws -> [Passage] {
    var passages: [Passage] = []
    var start: Int?
    let lines = try text(path).split(separator: "\n", omittingEmptySubsequences: false)
    for (index, line) in lines.enumerated() {
      let mark = line.trimmingCharacters(in: .whitespaces)
      if let first = start, mark == closing {
        passages.append(
          Passage(file: path, line: first + 1, lines: outdented(Array(lines[first..<index]))))
        start = nil
      } else if start == nil, mark == opening {
        start = index + 1
      }
    }
    return passages
  }

  private static func outdented(_ lines: [Substring]) -> [String] {
    let depths = lines.filter { !$0.isEmpty }.map { $0.prefix { $0 == " " }.count }
    let depth = depths.min() ?? 0
    return lines.map { String($0.dropFirst(depth)) }
  }
}
