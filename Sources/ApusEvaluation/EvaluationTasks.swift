import ApusCore

/// The tasks by name; to add one is a file in `Tasks` and a line here.
package enum EvaluationTasks {
  package static let catalog = Catalog<any EvaluationTask.Type>(
    "task",
    [
      ("niah", NeedleInAHaystack.self),
      ("niah_multikey", MultiKeyNeedle.self),
      ("niah_multivalue", MultiValueNeedle.self),
      ("niah_multiquery", MultiQueryNeedle.self),
      ("multi_needle", MultiNeedle.self),
      ("passkey", PassKey.self),
      ("lines", Lines.self),
      ("kv", KeyValue.self),
      ("thread", ForwardThread.self),
      ("thread_back", BackwardThread.self),
      ("multi_thread", MultiThread.self),
      ("variables", Variables.self),
      ("common_words", CommonWords.self),
      ("frequent_words", FrequentWords.self),
      ("qa", QuestionAnswering.self),
      ("qa_hop", LinkedFacts.self),
      ("absent", AbsentFacts.self),
      ("altered", AlteredNumbers.self),
      ("tsort", SegmentOrder.self),
      ("best_answer", BestAnswer.self),
      ("tsv", TableRows.self),
      ("path", PathTraversal.self),
      ("countdown", Countdown.self),
      ("mind", MindTracking.self),
      ("trace", ProgramTrace.self),
      ("travel", TravelPlan.self),
      ("longins_gist", GlobalExam.self),
      ("longins_list", LocalExam.self),
      ("longins_limt", MixedExam.self),
      ("icl", ManyLabels.self),
      ("chars", Characters.self),
      ("words", TargetWords.self),
      ("quote", Quotation.self),
      ("count", Counting.self),
      ("sort", Sorting.self),
      ("latest", LatestValue.self),
      ("form", FormFilling.self),
      ("format", AnswerFormat.self),
      ("fim", FillTheGap.self),
      ("perplexity", Perplexity.self),
      ("agreement", Agreement.self),
    ])

  /// Names for several tasks.
  package static let groups: [(name: String, tasks: [String])] = [
    ("all", catalog.names),
    (
      "ruler",
      [
        "niah", "niah_multikey", "niah_multivalue", "niah_multiquery", "variables", "common_words",
        "frequent_words", "qa", "qa_hop",
      ]
    ),
    ("threading", ["kv", "thread", "thread_back", "multi_thread"]),
    ("ada-leval", ["tsort", "best_answer"]),
    ("longproc", ["tsv", "path", "countdown", "mind", "trace", "travel"]),
    ("longins", ["longins_gist", "longins_list", "longins_limt"]),
    (
      "skills",
      ["quote", "count", "sort", "latest", "absent", "form", "format", "fim", "qa_hop"]
    ),
  ]

  /// The tasks that names of tasks and groups stand for, each once; a task may have options, as in
  /// `niah:haystack=noise`. Throws `CatalogError` and `EvaluationError`.
  package static func make(_ names: [String]) throws -> [(name: String, task: any EvaluationTask)] {
    var seen: Set<String> = []
    let all = names.flatMap { name in groups.first { $0.name == name }?.tasks ?? [name] }
    return try all.filter { seen.insert($0).inserted }.map { name in
      let specification = try PluginSpecification(parsing: name)
      guard let type = try? catalog.find(specification.name) else {
        throw CatalogError.unknownName(
          kind: catalog.kind, name: specification.name,
          valid: catalog.names + groups.map(\.name))
      }
      return (name, try PluginOptions.read(specification) { try type.init(options: $0) })
    }
  }
}
