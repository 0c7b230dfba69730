import ApusCore
import Testing

@Suite struct JSONParserTests {
  private func offset(_ text: String) -> Int? {
    do {
      _ = try JSONValue(parsing: text)
      return nil
    } catch { return (error as? JSONError)?.offset }
  }

  @Test func values() throws {
    let text =
      " {\"a\" : [1, -2.5, true, false, null, \"x\"] ,\n\t\"b\":{}, \"c\": [], \"d\": [[]]}\r\n"
    #expect(
      try JSONValue(parsing: text)
        == ["a": [1, -2.5, true, false, nil, "x"], "b": [:], "c": [], "d": [[]]])
    #expect(try JSONValue(parsing: "7") == 7)
    #expect(try JSONValue(parsing: "\"\"") == "")
  }

  @Test(arguments: [
    "", " ", "{", "[", "[1,]", "[,1]", "[1 2]", "{\"a\"}", "{\"a\":}", "{\"a\":1,}", "{a:1}",
    "{'a':1}", "{1:2}", "nul", "nulll", "True", "tru", "1 2", "[1]]", "}", "]", ":", ",",
    "// x\n1", "[1] x", "\u{0}1", "undefined", "{\"a\":1 \"b\":2}", "\u{A0}1", "[\"a\",\n",
  ])
  func refusesMalformedText(text: String) {
    #expect(throws: JSONError.self) { try JSONValue(parsing: text) }
  }

  @Test func errorsNameTheByte() {
    #expect(offset("[1, x]") == 4)
    #expect(offset("{\"ä\": }") == 7)
    #expect(offset("[1] 2") == 4)
  }

  @Test(arguments: [
    ("0", JSONValue.integer(0)), ("-0", .integer(0)), ("9223372036854775807", .integer(.max)),
    ("-9223372036854775808", .integer(.min)), ("9223372036854775808", .number(0x1p63)),
    ("1.0", .number(1)), ("1e3", .number(1000)), ("1E+3", .number(1000)),
    ("-1.5e-3", .number(-0.0015)),
    ("0.1", .number(0.1)), ("1e-400", .number(0)),
    ("123456789012345678901234567890", .number(1.2345678901234568e29)),
    ("4.9406564584124654e-324", .number(.leastNonzeroMagnitude)),
  ])
  func numbers(text: String, value: JSONValue) throws {
    #expect(try JSONValue(parsing: text) == value)
  }

  @Test(arguments: [
    "01", "-01", "+1", ".5", "1.", "1.e3", "1e", "1e+", "-", "--1", "0x10", "1_000", "NaN",
    "Infinity", "-Infinity", "1e400", "-1e400", "1,5", "00", "- 1", "1e1.5", "٣",
  ])
  func refusesNumbers(text: String) {
    #expect(throws: JSONError.self) { try JSONValue(parsing: text) }
  }

  @Test(arguments: [
    (#""\n\t\r\b\f\"\\\/""#, "\n\t\r\u{8}\u{c}\"\\/"), (#""A\u00e4\u20AC""#, "Aä€"),
    (#""\ud83d\ude00""#, "😀"), (#""\uD834\uDD1E x""#, "𝄞 x"), ("\"😀ä\u{7F}\"", "😀ä\u{7F}"),
    (#""\u0000""#, "\u{0}"), (#""\ufffe\uffff""#, "\u{fffe}\u{ffff}"), (#""a\u0301""#, "a\u{301}"),
    (#""\udbff\udfff""#, "\u{10FFFF}"),
  ])
  func strings(text: String, value: String) throws {
    let parsed = try #require(JSONValue(parsing: text).stringValue)
    #expect(Array(parsed.unicodeScalars) == Array(value.unicodeScalars))
  }

  @Test(arguments: [
    #"""#, #""a"#, #""\"#, #""\x41""#, #""\u12""#, #""\u12G4""#, #""\u""#, #""\ud800""#,
    #""\udc00""#, #""\ud800\ud800""#, #""\ud800x""#, #""\ud83d\n""#, #""\udc00\ud800""#,
    "\"a\nb\"", "\"\u{1}\"", "\"\t\"", #""\u+123""#, #""\u 123""#, #""\'""#, #""\u１２３４""#,
  ])
  func refusesStrings(text: String) {
    #expect(throws: JSONError.self) { try JSONValue(parsing: text) }
  }

  @Test(
    arguments: [
      [0xFF], [0xC0, 0x80], [0xE2, 0x82], [0xED, 0xA0, 0x80], [0xF5, 0x80, 0x80, 0x80], [0x80],
      [0xF4, 0x90, 0x80, 0x80],
    ] as [[UInt8]])
  func refusesInvalidUTF8(bytes: [UInt8]) {
    #expect(throws: JSONError.self) { try JSONValue(parsing: [0x22] + bytes + [0x22]) }
    #expect(throws: JSONError.self) {
      try JSONValue(parsing: [0x22, 0x5C, 0x6E] + bytes + [0x22])
    }
    #expect(throws: JSONError.self) { try JSONValue(parsing: bytes) }
  }

  @Test func byteOrderMark() throws {
    #expect(try JSONValue(parsing: [0xEF, 0xBB, 0xBF, 0x31]) == 1)
    #expect(throws: JSONError.self) { try JSONValue(parsing: [0xEF, 0xBB, 0xBF]) }
  }

  @Test func depth() throws {
    func nested(_ depth: Int) -> String {
      String(repeating: "[", count: depth) + String(repeating: "]", count: depth)
    }
    #expect(throws: Never.self) { try JSONValue(parsing: nested(512)) }
    #expect(throws: JSONError.self) { try JSONValue(parsing: nested(513)) }
    #expect(throws: JSONError.self) {
      try JSONValue(parsing: String(repeating: "{\"a\":[", count: 100_000))
    }
    let wide = "[" + String(repeating: "[[]],", count: 1000) + "0]"
    #expect(try JSONValue(parsing: wide).arrayValue?.count == 1001)
  }

  @Test func lastDuplicateCounts() throws {
    let small = try JSONValue(parsing: #"{"a": 1, "b": 2, "a": 3}"#)
    #expect(small["a"] == 3)
    #expect(small.objectValue?.keys == ["a", "b"])
    let many = (0..<100).map { "\"k\($0)\": \($0)" } + ["\"k3\": -3", "\"k99\": -99"]
    let large = try JSONValue(parsing: "{" + many.joined(separator: ",") + "}")
    #expect(large["k3"] == -3)
    #expect(large["k99"] == -99)
    #expect(large["k4"] == 4)
  }

  /// "é" in both normal forms: two vocabulary entries, not one.
  @Test func keysCompareByScalars() throws {
    let value = try JSONValue(parsing: "{\"\u{E9}\": 1, \"e\u{301}\": 2}")
    #expect(value.objectValue?.count == 2)
    #expect(value["\u{E9}"] == 1)
    #expect(value["e\u{301}"] == 2)
    #expect(value != (try JSONValue(parsing: "{\"e\u{301}\": 1, \"\u{E9}\": 2}")))
  }

  @Test func orderOfKeysStays() throws {
    let value = try JSONValue(parsing: #"{"z": 1, "a": 2, "m": 3}"#)
    #expect(value.objectValue?.keys == ["z", "a", "m"])
    #expect(value.text == #"{"z":1,"a":2,"m":3}"#)
  }
}
