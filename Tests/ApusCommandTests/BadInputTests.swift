import ApusCore
import Testing

/// Wrong use and bad files end with one line that names the trouble, and with the right status.
@Suite(.enabled(if: Program.exists, Program.missing))
struct BadInputTests {
  @Test(arguments: [
    (["frobnicate"], "frobnicate"),
    (["run"], "no prompt"),
    (["run", "-p", "x", "--frobnicate"], "--frobnicate"),
    (["run", "-p", "x", "--kv-policy", "windy"], "--kv-policy"),
    (["run", "-p", "x", "--kv-policy", "windy"], "valid: window"),
    (["serve", "--kv-policy", "window:budget=0"], "'--kv-policy"),
    (["chat", "--kv-policy", "window:width=8"], "budget, slack"),
    (["batch", "a", "b", "--select", "quests"], "'--select"),
    (["ask", "-d", "a.txt", "What?", "--select", "quest:budget=1"], "budget of quest"),
    (["bench", "throughput", "--select", "quest:budget"], "key=value"),
    (["eval", "niah", "--compare", "", "--kv-policy windy"], "--kv-policy"),
    (["run", "hello"], "-p TEXT"),
    (["run", "-p", "x", "-n", "many"], "'many'"),
    (["run", "-p", "x", "--top-p", "3"], "--top-p"),
    (["run", "-p", "x", "--cache-type-k", "q9"], "f16"),
    (["run", "-p", "x", "-m", "builtin:none"], "reader"),
    (["run", "-p", "x", "-m", "hf:only"], "hf:ORG/REPO"),
    (["run", "-p", "x", "-t", "0"], "--threads"),
    (["quantize", "a", "b", "--type", "q9_9"], "--type"),
    (["tokenize"], "TEXT"),
    (["detokenize", "x"], "'x'"),
    (["detokenize", "99999999"], "99999999"),
    (["bench", "throughput", "-p", "1;2"], "'1;2'"),
    (["bench", "throughput", "--batch", "8,0"], "--batch"),
    (["bench", "throughput", "--batch", "8", "--max-num-batched-tokens", "4"], "--batch"),
    (["bench", "kernels", "-t", "0"], "--threads"),
    (["bench", "serve", "--dataset", "none"], "prefix_repetition"),
    (["bench", "serve", "--base-url", "here"], "'here'"),
    (["bench", "serve", "--goodput", "ttft:fast"], "'ttft:fast'"),
    (["bench", "serve", "--find-goodput"], "--goodput"),
    (["bench", "serve", "--prompt-ids"], "--vocab-size"),
    (["bench", "serve", "--extra-body", "[]"], "JSON object"),
    (["run", "-p", "x", "--quantize", "q9"], "valid: f32, f16, bf16, q8_0, q4_0"),
    (["run", "-p", "x", "--pack-cache", ""], "--pack-cache"),
    (["serve", "--port", "70000"], "--port"),
    (["serve", "--ssl-cert-file", "c.pem"], "--ssl-key-file"),
    (["serve", "--cors-origin", "example.org"], "'example.org'"),
    (["serve", "--max-output-tokens", "0"], "--max-output-tokens"),
    (["serve", "--max-header-size", "10"], "--max-header-size"),
    (["serve", "--body-timeout", "0"], "--body-timeout"),
    (["serve", "--log-format", "xml"], "--log-format"),
    (["serve", "--tool-call-parser", "x"], "hermes, llama3_json, mistral, qwen3_coder"),
    (["serve", "--reasoning-format", "x"], "deepseek"),
    (["batch", "in.jsonl"], "<out>"),
    (["plan", "--bandwidth-share", "2"], "--bandwidth-share"),
    (["eval"], "apus eval list"),
    (["eval", "nia"], "niah"),
    (["eval", "niah:straw=1"], "haystack"),
    (["eval", "niah", "--lengths", "1k,"], "1k,4k,16k"),
    (["eval", "niah", "--samples", "0"], "--samples"),
    (["eval", "niah", "--unit", "pages"], "characters"),
    (["eval", "niah", "--compare", "--threads 1"], "two"),
    (["eval", "niah", "--compare", "", "--cache-type-q f16"], "--cache-type-q"),
    (["ask", "What?"], "-d FILE"),
    (["ask", "-d", "a.txt"], "question"),
    (["plan", "--compute", "0"], "--compute"),
    (["plan", "--memory", "1G", "--kv-memory", "1G"], "--kv-memory"),
    (["plan", "--users", "0"], "--users"),
    (["heads", "find", "--retrieval", "1.5"], "--retrieval"),
    (["heads", "find", "--length", "1"], "--length"),
    (["heads", "find", "-o", "-", "--json"], "--json"),
    (["plan", "--cache-type-v", "q9"], "q8_0"),
  ])
  func wrongUse(arguments: [String], message: String) async throws {
    let result = try await Program.start(arguments).result()
    #expect(result.status == 64)
    #expect(result.error?.contains(message) == true, "\(result.errors)")
    #expect(result.output.isEmpty)
  }

  #if !TLS
    @Test func aProgramWithoutTLSSaysHowToBuildOne() async throws {
      let result = try await Program.run(
        "serve", "--ssl-cert-file", "c.pem", "--ssl-key-file", "k.pem")
      #expect(result.status == 64)
      #expect(result.error?.contains("swift build -c release --traits TLS") == true)
    }
  #endif

  @Test func missingFiles() async throws {
    for arguments in [
      ["run", "-p", "x", "-m", "/nowhere/model.gguf"], ["run", "-f", "/nowhere/model.gguf"],
      ["inspect", "/nowhere/model.gguf"], ["tokenize", "-f", "/nowhere/model.gguf"],
      ["quantize", "/nowhere/model.gguf", "out.gguf", "--type", "q8_0"],
      ["serve", "--api-key-file", "/nowhere/model.gguf"],
      ["batch", "/nowhere/model.gguf", "out.jsonl"], ["plan", "-m", "/nowhere/model.gguf"],
      ["ask", "-d", "/nowhere/model.gguf", "What?"],
      ["eval", "perplexity:file=/nowhere/model.gguf"],
      ["eval", "kv", "--results", "/nowhere/model.gguf"],
      ["run", "-p", "x", "--pack-cache", "/dev/null/nowhere/model.gguf"],
      ["heads", "find", "-m", "/nowhere/model.gguf"],
      ["heads", "find", "-o", "/nowhere/model.gguf"],
    ] {
      let result = try await Program.start(arguments).result()
      #expect(result.status == 1, "\(arguments)")
      #expect(result.error?.contains("/nowhere/model.gguf") == true, "\(result.errors)")
    }
  }

  @Test func damagedModels() async throws {
    let folder = try TemporaryFolder()
    let model = try Checkout.bytes(Checkout.reader)
    for (name, bytes) in [
      ("header.gguf", Array(model.prefix(3))), ("metadata.gguf", Array(model.prefix(20_000))),
      ("weights.gguf", Array(model.dropLast(1000))), ("text.gguf", Array("hello".utf8)),
      ("empty.gguf", []),
    ] {
      let file = try folder.write(bytes, to: name)
      let result = try await Program.run("run", "-m", file, "-p", "x")
      #expect(result.status == 1)
      #expect(result.error?.contains(file) == true, "\(result.errors)")
    }
  }

  @Test func wrongTexts() async throws {
    let folder = try TemporaryFolder()
    let file = try folder.write([0x61, 0x62, 0xFF, 0x63], to: "latin.txt")
    let result = try await Program.run("run", "-f", file)
    #expect(result.status == 1)
    #expect(
      result.error?.contains("\(file) is not UTF-8 text (first wrong byte at offset 2)") == true)
    let folderResult = try await Program.run("run", "-f", folder.path)
    #expect(folderResult.status == 1)
    #expect(folderResult.error?.contains("it is a folder") == true)
    let empty = try await Program.run("run", "-p", "")
    #expect(empty.status == 1)
    #expect(empty.error?.contains("empty") == true)
  }

  @Test func contextTooSmall() async throws {
    let result = try await Program.run("run", "-c", "4", "-p", "one two three four five six seven")
    #expect(result.status == 1)
    #expect(result.error?.contains("--ctx-size") == true, "\(result.errors)")
    let memory = try await Program.run("run", "-c", "2048", "--kv-memory", "64K", "-p", "one")
    #expect(memory.status == 1)
    #expect(memory.error?.contains("--kv-memory") == true, "\(memory.errors)")
  }

  @Test func everyCommandHasHelpWithAnExample() async throws {
    for command in [
      ["run"], ["chat"], ["serve"], ["inspect"], ["quantize"], ["tokenize"], ["detokenize"],
      ["bench"], ["bench", "throughput"], ["bench", "serve"], ["bench", "kernels"], ["batch"],
      ["plan"], ["eval"], ["ask"], ["heads"], ["heads", "find"],
    ] {
      let result = try await Program.start(command + ["--help"]).result()
      #expect(result.status == 0)
      #expect(result.output.contains("EXAMPLE"), "\(command)")
      #expect(result.output.contains("apus " + command.joined(separator: " ")))
    }
  }
}
