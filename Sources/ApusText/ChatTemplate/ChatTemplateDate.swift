import Foundation

/// A point in local time, as templates print it with `strftime_now`.
public struct ChatTemplateDate: Sendable, Equatable {
  private let days: Int
  private let seconds: Int
  private let offset: Int

  /// A time as seconds since 1970 (UTC) in a zone that is `offset` seconds ahead of UTC.
  public init(secondsSince1970: Int, offsetFromUTC offset: Int = 0) {
    let local = secondsSince1970 &+ offset
    days = Int((Double(local) / 86_400).rounded(.down))
    seconds = local - days * 86_400
    self.offset = offset
  }

  /// The current time in the machine's time zone.
  public static var now: ChatTemplateDate {
    let date = Date()
    return ChatTemplateDate(
      secondsSince1970: Int(date.timeIntervalSince1970.rounded(.down)),
      offsetFromUTC: TimeZone.current.secondsFromGMT(for: date))
  }

  private static let weekdays = [
    "Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday",
  ]
  private static let months = [
    "January", "February", "March", "April", "May", "June", "July", "August", "September",
    "October", "November", "December",
  ]

  /// Day of the week, 0 for Sunday.
  private var weekday: Int { (days % 7 + 11) % 7 }

  /// Year, month and day of the Gregorian calendar, by counting eras of 400 years from March.
  private var civil: (year: Int, month: Int, day: Int) {
    let shifted = days + 719_468
    let era = (shifted >= 0 ? shifted : shifted - 146_096) / 146_097
    let dayOfEra = shifted - era * 146_097
    let yearOfEra = (dayOfEra - dayOfEra / 1460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
    let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
    let shiftedMonth = (5 * dayOfYear + 2) / 153
    let month = shiftedMonth < 10 ? shiftedMonth + 3 : shiftedMonth - 9
    return (
      yearOfEra + era * 400 + (month <= 2 ? 1 : 0), month,
      dayOfYear - (153 * shiftedMonth + 2) / 5 + 1
    )
  }

  /// Day of the year, 1 for the first of January.
  private var dayOfYear: Int {
    let (year, month, day) = civil
    let isLeap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0)
    let before = [0, 31, 59, 90, 120, 151, 181, 212, 243, 273, 304, 334][month - 1]
    return before + day + (isLeap && month > 2 ? 1 : 0)
  }

  /// The time in the form of C's `strftime` in the C locale.
  func formatted(_ format: String) -> String {
    var text = ""
    var scalars = format.unicodeScalars[...]
    while let scalar = scalars.popFirst() {
      guard scalar == "%" else {
        text.unicodeScalars.append(scalar)
        continue
      }
      var flag: Unicode.Scalar?
      if let next = scalars.first, "-_0^#".unicodeScalars.contains(next) {
        flag = scalars.removeFirst()
      }
      guard let conversion = scalars.popFirst() else {
        text += "%"
        break
      }
      let field = field(conversion, flag)
      text += flag == "^" ? field.uppercased() : field
    }
    return text
  }

  private func field(_ conversion: Unicode.Scalar, _ flag: Unicode.Scalar?) -> String {
    let (year, month, day) = civil
    let hour = seconds / 3600
    let hour12 = hour % 12 == 0 ? 12 : hour % 12
    func number(_ value: Int, _ width: Int, _ pad: Character = "0") -> String {
      let digits = String(value)
      let pad: Character? = flag == "-" ? nil : flag == "_" ? " " : flag == "0" ? "0" : pad
      guard let pad else { return digits }
      return String(repeating: pad, count: max(0, width - digits.count)) + digits
    }
    switch conversion {
    case "a": return String(Self.weekdays[weekday].prefix(3))
    case "A": return Self.weekdays[weekday]
    case "b", "h": return String(Self.months[month - 1].prefix(3))
    case "B": return Self.months[month - 1]
    case "c": return formatted("%a %b %e %H:%M:%S %Y")
    case "C": return number(year / 100, 2)
    case "d": return number(day, 2)
    case "D", "x": return formatted("%m/%d/%y")
    case "e": return number(day, 2, " ")
    case "f": return "000000"
    case "F": return formatted("%Y-%m-%d")
    case "H": return number(hour, 2)
    case "I": return number(hour12, 2)
    case "j": return number(dayOfYear, 3)
    case "k": return number(hour, 2, " ")
    case "l": return number(hour12, 2, " ")
    case "m": return number(month, 2)
    case "M": return number(seconds / 60 % 60, 2)
    case "n": return "\n"
    case "p": return hour < 12 ? "AM" : "PM"
    case "P": return hour < 12 ? "am" : "pm"
    case "r": return formatted("%I:%M:%S %p")
    case "R": return formatted("%H:%M")
    case "s": return String(days * 86_400 + seconds - offset)
    case "S": return number(seconds % 60, 2)
    case "t": return "\t"
    case "T", "X": return formatted("%H:%M:%S")
    case "u": return String(weekday == 0 ? 7 : weekday)
    case "U": return number((dayOfYear + 6 - weekday) / 7, 2)
    case "w": return String(weekday)
    case "W": return number((dayOfYear + 6 - (weekday + 6) % 7) / 7, 2)
    case "y": return number(year % 100, 2)
    case "Y": return String(year)
    case "z", "Z": return ""  // The time is naive: Python prints no zone for it.
    case "%": return "%"
    default: return "%" + (flag.map { String($0) } ?? "") + String(conversion)
    }
  }
}
