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

  private enum Colour: String, CaseIterable {
    case red
    case blue
  }

  private func read<Value>(_ text: String, _ body: (PluginOptions) throws -> Value) throws -> Value
  {
    try PluginOptions.read(PluginSpecification(parsing: text), body)
  }

  @Test func optionsHaveTypes() throws {
    #expect(try read("x:n=3") { try $0.int("n", in: 1...5) } == 3)
    #expect(try read("x:n=2.5") { try $0.double("n", in: 1...5) } == 2.5)
    #expect(try read("x:file=a/b.txt") { try $0.string("file") } == "a/b.txt")
    #expect(try read("x:c=blue") { try $0.choice("c", of: Colour.self) } == .blue)
    #expect(try read("x") { try $0.int("n", in: 1...5) } == nil)
    #expect(try read("x") { try $0.choice("c", of: Colour.self) } == nil)
  }

  @Test(arguments: ["x:n=6", "x:n=2.5", "x:n=", "x:c=green", "x:c=", "x:file=", "x:other=1"])
  func wrongOptionsAreRefused(text: String) throws {
    #expect(throws: CatalogError.self) {
      try read(text) { options in
        _ = try options.int("n", in: 1...5)
        _ = try options.choice("c", of: Colour.self)
        _ = try options.string("file")
      }
    }
    #expect(
      throws: CatalogError.invalidOption(
        plugin: "x", option: "c", value: "green", expected: "one of red, blue")
    ) { try read("x:c=green") { try $0.choice("c", of: Colour.self) } }
  }
}
