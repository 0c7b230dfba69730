import Foundation
import Testing

/// Small templates of every feature render as jinja2 does in the environment of Hugging Face.
struct ChatTemplateFixtureTests {
  static let groups = [
    "access", "errors", "filters", "formats", "json", "literals", "macros", "methods", "operators",
    "statements", "tests", "whitespace",
  ]

  @Test(arguments: groups)
  func rendersAsTheReference(group: String) throws {
    let url = TemplateCases.fixtures.appending(path: group + ".json")
    let rows = try #require(try TemplateCases.read(url).arrayValue)
    #expect(rows.count >= 20)
    for row in rows {
      if let difference = TemplateCases.difference(row) { Issue.record("\(difference)") }
    }
  }

  @Test func everyFixtureIsTested() throws {
    let files = try TemplateCases.jsonFiles(in: TemplateCases.fixtures).map {
      $0.deletingPathExtension().lastPathComponent
    }
    #expect(Set(files) == Set(Self.groups + ["conversations", "artefacts"]))
  }
}
