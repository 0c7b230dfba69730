import ApusCore
import Testing

@Suite struct JSONValueTests {
  @Test func writesWhatItReads() throws {
    for text in [
      #"{"a":[1,-2.5,true,null],"b":{"c":"x\"\\\n\t\r"},"":""}"#, "[]", "{}", "0.1", "1e-07",
      "9223372036854775807", #""ä😀\u0001""#, "[[[]],{}]",
    ] {
      let value = try JSONValue(parsing: text)
      #expect(try JSONValue(parsing: value.text) == value)
      #expect(Array(value.text.utf8) == value.utf8)
    }
    #expect(JSONValue.string("\u{1}\u{1f}/").text == #""\u0001\u001f/""#)
    #expect(JSONValue.number(.nan).text == "null")
    #expect(JSONValue.number(.infinity).text == "null")
  }

  @Test func accessors() throws {
    #expect(JSONValue.integer(3).doubleValue == 3)
    #expect(JSONValue.number(3).intValue == 3)
    #expect(JSONValue.number(3.5).intValue == nil)
    #expect(JSONValue.number(1e30).intValue == nil)
    #expect(JSONValue.string("3").intValue == nil)
    #expect(JSONValue.null.isNull && !JSONValue.bool(false).isNull)
    #expect(JSONValue.array([1])["a"] == nil)
    #expect(
      ([nil, true, 1, 1.5, "a", [], [:]] as [JSONValue]).map(\.kind)
        == ["null", "boolean", "number", "number", "string", "array", "object"])
  }

  @Test func objectsChange() {
    var object = JSONObject()
    object["a"] = 1
    object["b"] = 2
    object["a"] = 3
    #expect(object.keys == ["a", "b"] && object["a"] == 3)
    object["a"] = nil
    object["missing"] = nil
    #expect(object.keys == ["b"])
  }

  @Test func differentKindsDiffer() {
    #expect(JSONValue.integer(1) != .number(1))
    #expect(JSONValue.null != .bool(false))
    #expect(JSONValue.string("\u{E9}") != .string("e\u{301}"))
  }
}
