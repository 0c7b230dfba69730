import ApusCore
import Foundation
import Testing

/// The dashboard asks for nothing that the server does not tell.
@Suite(.serialized) struct DashboardTests {
  private static let path = "Deploy/grafana-dashboard.json"

  private static func dashboard() throws -> JSONValue {
    let root = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "../../..")
    return try JSONValue(parsing: Array(Data(contentsOf: root.appending(path: path).standardized)))
  }

  /// The names of metrics in all queries below a value.
  private static func metrics(in value: JSONValue) -> Set<String> {
    switch value {
    case .array(let elements): return elements.reduce(into: []) { $0.formUnion(metrics(in: $1)) }
    case .object(let object):
      return object.entries.reduce(into: []) { names, entry in
        if ["expr", "query"].contains(entry.key), let text = entry.value.stringValue {
          let found = text.matches(of: /(?:vllm:|apus:|process_)[a-z0-9_:]+/)
          names.formUnion(found.map { String($0.output) })
        }
        names.formUnion(metrics(in: entry.value))
      }
    default: return []
    }
  }

  @Test func everyMetricIsOneOfTheServers() async throws {
    let server = try await TestServer.shared.value
    _ = try await server.post("/v1/completions", completion("a b c"))
    let text = try await server.get("/metrics").text
    let told = Set(
      text.split(separator: "\n").filter { !$0.hasPrefix("#") }
        .map { String($0.prefix { $0 != "{" && $0 != " " }) })
    let asked = Self.metrics(in: try Self.dashboard())
    #expect(asked.count >= 20)
    #expect(asked.subtracting(told).sorted() == [])
  }

  @Test func panelsHaveDifferentNumbersAndPlaces() throws {
    let panels = try #require(try Self.dashboard()["panels"]?.arrayValue)
    #expect(Set(panels.compactMap { $0["id"]?.intValue }).count == panels.count)
    let places = panels.compactMap { $0["gridPos"] }.map {
      "\($0["x"]?.intValue ?? -1) \($0["y"]?.intValue ?? -1)"
    }
    #expect(Set(places).count == panels.count)
  }
}
