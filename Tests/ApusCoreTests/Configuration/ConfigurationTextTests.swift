import ApusCore
import Testing

@Suite struct ConfigurationTextTests {
  private static let expected: JSONValue = [
    "host": "0.0.0.0", "ctx-size": 32_768, "alias": "a # b", "metrics": false, "temperature": 0.5,
    "cors-origin": ["https://a.example", "https://b.example:8443"], "path": "C:\\x",
    "escaped": "a\tb\u{e9}",
  ]

  @Test func toml() throws {
    let text = #"""
      # settings
      host = "0.0.0.0"   # everywhere
      ctx-size = 32_768
      "alias" = "a # b"
      metrics = false
      temperature = 0.5
      cors-origin = [
        "https://a.example",  # one
        "https://b.example:8443",
      ]
      path = 'C:\x'
      escaped = "a\tb\u00e9"

      """#
    #expect(try JSONValue.object(ConfigurationText.parse(text, .toml)) == Self.expected)
  }

  @Test func yaml() throws {
    let text = #"""
      ---
      # settings
      host: 0.0.0.0   # everywhere
      ctx-size: 32768
      alias: "a # b"
      metrics: false
      temperature: 0.5
      cors-origin:
        - https://a.example
        - https://b.example:8443  # two
      path: 'C:\x'
      escaped: "a\tb\u00e9"
      """#
    #expect(try JSONValue.object(ConfigurationText.parse(text, .yaml)) == Self.expected)
    #expect(try ConfigurationText.parse("a: [x, 2, 'y']", .yaml)["a"] == ["x", 2, "y"])
  }

  @Test(arguments: [
    ("[serve]", ConfigurationText.Syntax.toml, 1), ("a = 1\nb", .toml, 2), ("a = x", .toml, 1),
    ("a = \"x", .toml, 1), ("a = [1, [2]]", .toml, 1), ("a = [1", .toml, 1), ("a =", .toml, 1),
    ("a = 1 2", .toml, 1), ("a = 1\n\na = 2", .toml, 3), ("a = 2026-01-01", .toml, 1),
    ("a:\n  b: 1", .yaml, 1), ("a: &x 1", .yaml, 1), ("a: {b: 1}", .yaml, 1), ("a:", .yaml, 1),
    ("- a", .yaml, 1), ("a: 1\n b: 2", .yaml, 2), ("a: \"\\q\"", .yaml, 1),
  ])
  func otherContentIsRefusedByLine(text: String, syntax: ConfigurationText.Syntax, line: Int) {
    #expect {
      _ = try ConfigurationText.parse(text, syntax)
    } throws: { error in
      (error as? ConfigurationError)?.line == line
    }
  }

  @Test func anyTextIsReadOrRefused() {
    var random = RandomSource(seed: 5)
    let pieces = [
      "a", "b-c", "=", ":", " ", "\n", "\r\n", "\"", "'", "[", "]", ",", "#", "-", "- ", "1", "0.5",
      "_", "true", "\\", "\\u00", "{", "}", "&", "\u{e9}", "\u{0}", "\u{1F468}\u{200D}\u{1F469}",
    ]
    for _ in 0..<20_000 {
      var text = ""
      for _ in 0..<Int(random.nextUnit() * 16) {
        text += pieces[min(Int(random.nextUnit() * Double(pieces.count)), pieces.count - 1)]
      }
      for syntax in ConfigurationText.Syntax.allCases {
        do {
          _ = try ConfigurationText.parse(text, syntax)
        } catch {
          #expect(error is ConfigurationError, "\(text)")
        }
      }
    }
  }
}
