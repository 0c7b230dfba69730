import ApusCore
import ApusText
import Foundation
import Testing

/// Templates that want too much are refused soon, within the stack of a small thread.
struct ChatTemplateLimitTests {
  /// Renders on a thread with a stack of 512 KiB, as small as those of a concurrency pool may be.
  private func outcome(_ source: String, _ context: JSONObject = JSONObject()) -> JSONObject {
    final class Box: @unchecked Sendable {  // Written before the signal, read after it.
      var value = JSONObject()
    }
    let box = Box()
    let done = DispatchSemaphore(value: 0)
    let thread = Thread {
      box.value = TemplateCases.outcome(of: source, context)
      done.signal()
    }
    thread.stackSize = 512 << 10
    thread.start()
    done.wait()
    return box.value
  }

  private func nested(_ open: String, _ core: String, _ close: String, _ count: Int) -> String {
    String(repeating: open, count: count) + core + String(repeating: close, count: count)
  }

  static let loops = [
    "{% for a in range(100000) %}{% for b in range(100000) %}{% endfor %}{% endfor %}",
    "{% macro f(n) %}{% if n > 0 %}{{ f(n-1) }}{{ f(n-1) }}{% endif %}{% endmacro %}{{ f(40) }}",
    "{% set s = 'a' * 4000000 %}{{ s.find('a' * 2000000 ~ 'b') }}",
    "{% set s = 'é' * 4000000 %}{% for i in range(100000) %}{{ s[i] }}{% endfor %}",
    "{% set l = range(100000)|list %}{% for i in range(100000) %}{{ -1 in l }}{% endfor %}",
    "{% set ns = namespace(a=(1,)) %}{% for i in range(100) %}{% set ns.a = (ns.a, ns.a) %}{% endfor %}{{ {ns.a: 1} }}",
    "{% set ns = namespace(a=[1], b=[1]) %}{% for i in range(35) %}{% set ns.a = [ns.a, ns.a] %}{% set ns.b = [ns.b, ns.b] %}{% endfor %}{{ ns.a == ns.b }}",
  ]

  static let sizes = [
    "{{ 'x' * 10 ** 9 }}", "{{ 'xx' * 9223372036854775807 }}", "{{ [1] * 10 ** 10 }}",
    "{% set ns = namespace(a='x') %}{% for i in range(100) %}{% set ns.a = ns.a ~ ns.a %}{% endfor %}",
    "{% set ns = namespace(a=[1]) %}{% for i in range(100) %}{% set ns.a = ns.a + ns.a %}{% endfor %}",
    "{% set s = 'x' * 1000000 %}{{ s.replace('x', s) }}", "{{ 'a'.ljust(10 ** 12) }}",
    "{{ 'a\nb'|indent(10 ** 12) }}", "{{ '%1000000000d' % 1 }}", "{{ '%.1000000000f' % 1.5 }}",
    "{{ '{:1000000000}'.format(1) }}", "{{ [1]|batch(10 ** 12, 0)|list }}",
    "{{ [[1]]|tojson(indent=10 ** 12) }}", "{% set s = 'x' * 1000000 %}{{ [s] * 100000 }}",
    "{% for i in range(100000) %}{% set x %}{{ 'x' * 100000 }}{% endset %}{% endfor %}",
    "{% for i in range(100000) %}{{ 'x' * 1000 }}{% endfor %}",
    "{% for i in range(100000) %}{% for j in range(100) %}{% set x = namespace(a=i) %}{% endfor %}{% endfor %}",
  ]

  static let depths = [
    "{% macro m(n) %}{{ m(n + 1) }}{% endmacro %}{{ m(0) }}",
    "{% macro m(a=m()) %}{% endmacro %}{{ m() }}",
    "{% macro m() %}{% for i in [1] if m() %}{% endfor %}{% endmacro %}{{ m() }}",
    "{% for x in [1] recursive %}{{ loop([1]) }}{% endfor %}",
    "{% macro c() %}{{ caller() }}{% endmacro %}{% macro r() %}{% call c() %}{{ r() }}{% endcall %}{% endmacro %}{{ r() }}",
    "{% set ns = namespace(a=[]) %}{% for i in range(100000) %}{% set ns.a = [ns.a] %}{% endfor %}",
    "{% set ns = namespace(a={}) %}{% for i in range(100000) %}{% set ns.a = {'a': ns.a.get} %}{% endfor %}",
    "{% set ns = namespace(l=1) %}{% for i in range(9999) %}{% for x in [ns.l] %}{% set ns.l = loop %}{% endfor %}{% endfor %}",
    "{% set ns = namespace() %}{% set ns.a = ns %}{{ ns }}",
  ]

  /// Without optimization the loops take too long to run them all.
  private static var tested: [String] {
    #if DEBUG
      Array(loops.prefix(2)) + sizes + depths
    #else
      loops + sizes + depths
    #endif
  }

  @Test(arguments: tested)
  func isRefused(source: String) {
    #expect(outcome(source)["error"] == "limit")
  }

  @Test func chainsThatAreNotDeepAreFreed() {
    let sources = [
      "{% set ns = namespace(a=1) %}{% for i in range(100000) %}{% set ns.a = namespace(b=ns.a) %}{% endfor %}",
      "{% set ns = namespace(f=1) %}{% macro w(f) %}{% macro g() %}{{ f }}{% endmacro %}{% set ns.f = g %}{% endmacro %}{% for i in range(50000) %}{{ w(ns.f) }}{% endfor %}",
      "{% set ns = namespace(l=1) %}{% for i in range(50000) %}{% for x in [1] %}{% set _ = loop.changed(ns.l) %}{% set ns.l = loop %}{% endfor %}{% endfor %}",
    ]
    for source in sources { #expect(outcome(source)["error"] == nil) }
  }

  @Test func deepSourcesAreRefused() {
    let opens = [
      ("(", ")"), ("[", "]"), ("{1:", "}"), ("f(", ")"), ("f(a=", ")"), ("a[", "]"), ("not ", ""),
      ("-", ""), ("1|d(", ")"), ("1 is in [", "]"), ("1 if 0 else ", ""), ("1 if ", ""),
    ]
    for (open, close) in opens {
      #expect(outcome("{{ " + nested(open, "1", close, 20_000) + " }}")["error"] == "limit")
    }
    for tag in [
      "if 1", "for x in y", "macro m()", "call m()", "set x", "filter upper", "with a = 1",
    ] {
      #expect(outcome(String(repeating: "{% \(tag) %}", count: 20_000))["error"] == "limit")
    }
  }

  @Test func longSourcesAreLinear() {
    let sources = [
      "{{ 1" + String(repeating: " + 1", count: 100_000) + " }}",
      "{{ 0" + String(repeating: " or 0", count: 100_000) + " }}",
      "{{ 'a'" + String(repeating: "|upper", count: 100_000) + " }}",
      "{{ a" + String(repeating: "[0]", count: 100_000) + " }}",
      "{% if 0 %}" + String(repeating: "{% elif 0 %}", count: 50_000) + "{% endif %}",
      String(repeating: "{% if a %}{% set b = 1 %}{% endif %}", count: 25_000),
      (0..<25_000).map { "{% if a %}{% set b\($0) = 1 %}{% endif %}" }.joined(),
      "{{ f(" + (0..<50_000).map { "a\($0)=1" }.joined(separator: ",") + ") }}",
      String(repeating: "{#", count: 200_000), String(repeating: "{%", count: 200_000),
      "{% raw %}" + String(repeating: "{% ", count: 200_000),
      "{% if 1 %}" + String(repeating: " \n", count: 200_000) + "{% endif %}",
    ]
    let clock = ContinuousClock()
    let context = JSONObject([("a", [[]])])
    for source in sources {
      #expect(clock.measure { _ = outcome(source, context) } < .seconds(30))
    }
    #expect(outcome(String(repeating: "x", count: (1 << 20) + 1))["error"] == "limit")
  }

  @Test func contextsThatNestTooDeepAreRefused() {
    var value: JSONValue = 1
    for _ in 0..<200 { value = [value] }
    #expect(outcome("{{ x }}", JSONObject([("x", value)]))["error"] == "limit")
  }

  @Test func limitsGrowWithTheInput() throws {
    let text = String(repeating: "0123456789", count: 2_000_000)
    let context = JSONObject([("x", .string(text))])
    let output = try ChatTemplate("{{ x|trim }}{{ x[5:] }}{{ x.upper() }}").render(context)
    #expect(output.utf8.count == 60_000_000 - 5)
  }
}
