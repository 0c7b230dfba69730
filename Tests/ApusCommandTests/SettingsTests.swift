import ApusCore
import Testing

@Suite(.enabled(if: Program.exists, Program.missing))
struct SettingsTests {
  private func count(
    _ arguments: String..., environment: [String: String] = [:]
  ) async throws -> Int? {
    let running = try Program.start(
      ["run", "-p", "The", "--ignore-eos", "--json"] + arguments, environment: environment)
    return try JSONValue(parsing: try await running.result().output)["tokens"]?.arrayValue?.count
  }

  @Test func flagBeforeVariableBeforeFile() async throws {
    let folder = try TemporaryFolder()
    let file = try folder.write(Array(#"{"n_predict": 4, "port": 9000}"#.utf8), to: "apus.json")
    let variable = ["APUS_N_PREDICT": "3"]
    #expect(try await count("--config", file) == 4)
    #expect(try await count("--config", file, environment: variable) == 3)
    #expect(try await count("--config", file, "-n", "2", environment: variable) == 2)
    #expect(try await count(environment: ["APUS_CONFIG": file]) == 4)
    #expect(try await count(environment: ["APUS_MAX_TOKENS": "5"]) == 5)
  }

  @Test func tomlAndYAML() async throws {
    let folder = try TemporaryFolder()
    let toml = try folder.write(Array("# x\nn_predict = 4 # tokens\n".utf8), to: "apus.toml")
    #expect(try await count("--config", toml) == 4)
    let yaml = try folder.write(Array("n-predict: 3\n".utf8), to: "apus.yaml")
    #expect(try await count("--config", yaml) == 3)
  }

  @Test(arguments: [
    ("json", #"{"n-predikt": 4}"#, "unknown key 'n-predikt'"),
    ("json", #"{"n-predict": [4]}"#, "one value, not a list"),
    ("json", #"{"n-predict": "many"}"#, "'n-predict' of the configuration file"),
    ("json", #"[1]"#, "no JSON object"),
    ("json", #"{"#, "invalid JSON"),
    ("toml", "port = 1\n[run]\nn-predict = 4", "line 2: tables"),
    ("toml", "n-predikt = 4", "unknown key 'n-predikt'"),
    ("yaml", "run:\n  n-predict: 4", "line 1: there is no value"),
  ])
  func badFiles(ending: String, content: String, message: String) async throws {
    let folder = try TemporaryFolder()
    let file = try folder.write(Array(content.utf8), to: "apus." + ending)
    let result = try await Program.run("run", "-p", "The", "--config", file)
    #expect(result.status == 64)
    #expect(result.error?.contains(message) == true, "\(result.errors)")
  }

  @Test func badVariablesAreNamed() async throws {
    let number = try await Program.run("run", "-p", "x", environment: ["APUS_CTX_SIZE": "lots"])
    #expect(number.status == 64)
    #expect(number.error?.contains("APUS_CTX_SIZE") == true)
    let flag = try await Program.run("run", "-p", "x", environment: ["APUS_JSON": "perhaps"])
    #expect(flag.status == 64)
    #expect(flag.error?.contains("APUS_JSON") == true)
  }
}
