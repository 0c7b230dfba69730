import ApusCore
import Testing

@Suite struct CatalogTests {
  @Test(arguments: [
    ("h2o", "h2o", []), ("snapkv:budget=1024,window=32", "snapkv", ["budget=1024", "window=32"]),
    ("x:", "x", []), ("x:a=", "x", ["a="]), ("x:a=b=c", "x", ["a=b=c"]),
    ("file:path=a:b", "file", ["path=a:b"]), ("x:a=1,,b=2", "x", ["a=1", "b=2"]), ("", "", []),
  ])
  func parses(text: String, name: String, options: [String]) throws {
    let specification = try PluginSpecification(parsing: text)
    #expect(specification.name == name)
    #expect(specification.options.map { "\($0.key)=\($0.value)" } == options)
  }

  @Test(arguments: ["x:a", "x:=1", "x:a=1,b", "x: "])
  func refusesOptionsWithoutValue(text: String) {
    #expect(throws: CatalogError.self) { try PluginSpecification(parsing: text) }
  }

  @Test func errorsNameTheOption() {
    #expect(throws: CatalogError.malformedOption(plugin: "x", option: "b")) {
      try PluginSpecification(parsing: "x:a=1,b")
    }
    #expect(
      CatalogError.malformedOption(plugin: "x", option: "b").description
        == "option 'b' of x is not of the form key=value")
  }

  @Test func describesItself() throws {
    for text in ["h2o", "snapkv:budget=1024,window=32"] {
      let specification = try PluginSpecification(parsing: text)
      #expect(specification.description == text)
      #expect(try PluginSpecification(parsing: specification.description) == specification)
    }
  }

  @Test func finds() throws {
    let catalog = Catalog<Int>("number", [("one", 1), ("two", 2)])
    #expect(try catalog.find("two") == 2)
    #expect(catalog.names == ["one", "two"])
    #expect(throws: CatalogError.unknownName(kind: "number", name: "Two", valid: ["one", "two"])) {
      try catalog.find("Two")
    }
    #expect(
      CatalogError.unknownName(kind: "number", name: "x", valid: ["one", "two"]).description
        == "unknown number 'x'; valid: one, two")
  }
}
