//! Answers, for people: a table for a list, a line for each field of one.

use isobar_remote::description::Operation;
use serde_json::Value;

use super::complain::{lines, on_one_line};
use super::names::in_words;
use crate::output::{self, Format};

/// Fields that are shown first, in this order.
const FIRST: [&str; 8] =
    ["name", "displayName", "location", "state", "verdict", "measured", "provisioningState", "id"];
/// Fields that are not shown: who wrote when is in the activity log, and programs read all of it.
const NEVER: [&str; 3] = ["type", "etag", "systemData"];
/// Columns that a table of a list has no use for, unless the document names them.
const NOT_IN_A_TABLE: [&str; 4] = ["id", "tags", "description", "statement"];
/// What is shown in one line, whatever is in it.
const TAGS: &str = "tags";
/// Between two columns.
const GAP: usize = 2;
/// Objects within objects are looked into so deep.
const DEPTH_MAX: usize = 6;

/// Shows an answer: as it is for programs, in words for people.
pub fn show(body: &Value, operation: &Operation, format: Format) {
    if format == Format::Json {
        output::json(body);
        return;
    }
    match body {
        Value::Null => {}
        Value::Object(object) if operation.lists && object.get("value").is_some_and(Value::is_array) => {
            let items = object["value"].as_array().map_or(&[][..], Vec::as_slice);
            match items.is_empty() {
                true => println!("none"),
                false => output::table(&table(items, &operation.columns, output::width())),
            }
        }
        body => match alone(body, operation) {
            Some(text) => println!("{}", text.trim_end()),
            None => pairs(body),
        },
    }
}

/// The one text of an answer that people want, to be kept in a file, say.
fn alone(body: &Value, operation: &Operation) -> Option<String> {
    at(body, operation.alone.as_ref()?).as_str().map(lines)
}

/// A field for each line, then the tables.
fn pairs(body: &Value) {
    let fields = fields(body);
    let width = fields.iter().map(|(name, _)| name.chars().count()).max().unwrap_or_default() + GAP;
    for (name, value) in fields {
        let label = format!("{name:width$}");
        match value.contains('\n') {
            // A file, or a page: it is taken as it is.
            true => println!("{name}\n{}", value.trim_end()),
            false => output::labelled(&label, &on_one_line(&value)),
        }
    }
    let mut found = Vec::new();
    tables(body, "", 0, &mut found);
    for (name, items) in found {
        println!("\n{}", on_one_line(&name));
        output::table(&chosen(items, output::width()));
    }
}

/// Whether a value is a list of objects: it is shown as a table.
fn is_table(value: &Value) -> bool {
    value.as_array().is_some_and(|items| !items.is_empty() && items.iter().all(Value::is_object))
}

/// The name of a member in its place.
fn place_of(place: &str, name: &str) -> String {
    match place {
        "" if name == "properties" => String::new(),
        "" => name.to_owned(),
        place => format!("{place}.{name}"),
    }
}

fn tables<'v>(value: &'v Value, place: &str, depth: usize, found: &mut Vec<(String, &'v [Value])>) {
    for (name, value) in value.as_object().into_iter().flatten().filter(|_| depth <= DEPTH_MAX) {
        let place = place_of(place, name);
        match value {
            Value::Array(items) if is_table(value) => found.push((place, items)),
            value => tables(value, &place, depth + 1, found),
        }
    }
}

/// All fields that have a value, by dotted names without `properties`; nothing in them moves the cursor.
fn fields(value: &Value) -> Vec<(String, String)> {
    let mut found = Vec::new();
    collect(value, "", 0, &mut found);
    found.sort_by_key(|(name, _)| FIRST.iter().position(|first| first == name).unwrap_or(FIRST.len()));
    found.into_iter().map(|(name, value)| (on_one_line(&name), lines(&value))).collect()
}

fn collect(value: &Value, place: &str, depth: usize, found: &mut Vec<(String, String)>) {
    let Value::Object(object) = value else {
        found.extend(cell(value, place).map(|text| (place.to_owned(), text)));
        return;
    };
    for (name, value) in object {
        if depth == 0 && NEVER.contains(&name.as_str()) {
            continue;
        }
        let place = place_of(place, name);
        if is_table(value) {
            continue;
        }
        if depth < DEPTH_MAX && value.is_object() && name != TAGS {
            collect(value, &place, depth + 1, found);
        } else {
            found.extend(cell(value, &place).map(|text| (place, text)));
        }
    }
}

/// A value in words; nothing for what is not there.
fn cell(value: &Value, name: &str) -> Option<String> {
    let text = match value {
        Value::Null => return None,
        Value::String(text) => text.clone(),
        Value::Bool(yes) => (if *yes { "yes" } else { "no" }).to_owned(),
        Value::Number(number) => match (number.as_u64(), name) {
            (Some(bytes), name) if name.ends_with("Bytes") => output::bytes(bytes),
            (Some(bytes), name) if name.ends_with("BytesPerSecond") => format!("{}/s", output::bytes(bytes)),
            _ => number.to_string(),
        },
        Value::Array(items) => {
            let texts: Vec<String> = items.iter().filter_map(|item| cell(item, name)).collect();
            // Sentences end by themselves.
            let between = if texts.iter().all(|text| text.ends_with('.')) { " " } else { ", " };
            texts.join(between)
        }
        Value::Object(object) => {
            let pair = |(name, value): (&String, &Value)| Some(format!("{name}={}", cell(value, name)?));
            object.iter().filter_map(pair).collect::<Vec<_>>().join(" ")
        }
    };
    (!text.is_empty()).then_some(text)
}

/// What a dotted name leads to.
fn at<'v>(item: &'v Value, name: &str) -> &'v Value {
    name.split('.').fold(item, |value, name| &value[name])
}

/// The rows of a table, the heading first.
fn table(items: &[Value], columns: &[String], width: usize) -> Vec<Vec<String>> {
    if columns.is_empty() {
        return chosen(items, width);
    }
    let of_item = |item: &Value| {
        let cell = |name: &String| in_table(name, &cell(at(item, name), name).unwrap_or_default());
        columns.iter().map(cell).collect()
    };
    let heading = columns.iter().map(|name| heading(name)).collect();
    let mut rows: Vec<Vec<String>> = std::iter::once(heading).chain(items.iter().map(of_item)).collect();
    // Words are not broken: the last columns are left out until the longest words of all others fit.
    let longest = |column: usize| {
        let words = rows.iter().flat_map(|row| row[column].split(' '));
        words.map(|word| word.chars().count()).max().unwrap_or_default()
    };
    let mut used = 0;
    let fits = (0..columns.len()).take_while(|column| {
        used += longest(*column) + GAP;
        *column == 0 || used <= width + GAP
    });
    let shown = fits.count();
    rows.iter_mut().for_each(|row| row.truncate(shown));
    rows
}

/// A value as it stands in a table: in one line, without the subscription that an id begins with. Of the id
/// of a definition only the last part tells it from others.
fn in_table(name: &str, value: &str) -> String {
    let value = on_one_line(value);
    if name.ends_with("DefinitionId") {
        return value.rsplit('/').next().unwrap_or_default().to_owned();
    }
    let inside = value.strip_prefix("/subscriptions/").and_then(|rest| rest.find('/').map(|at| &rest[at..]));
    inside.map_or(value.clone(), str::to_owned)
}

/// The words above a column: the last name of its place that says something.
fn heading(name: &str) -> String {
    let mut names: Vec<&str> = name.split('.').filter(|name| *name != "properties").collect();
    if let [_, .., "value" | "name" | "state"] = names[..] {
        names.pop();
    }
    names.last().map_or(String::new(), |name| in_words(name))
}

/// The same where the document does not say what to show: whatever the items have, as far as it fits.
fn chosen(items: &[Value], width: usize) -> Vec<Vec<String>> {
    let rows: Vec<Vec<(String, String)>> = items.iter().map(fields).collect();
    let mut names: Vec<&str> = Vec::new();
    for (name, _) in rows.iter().flatten() {
        let last = name.rsplit('.').next().unwrap_or(name);
        if !NOT_IN_A_TABLE.contains(&last) && !names.contains(&name.as_str()) {
            names.push(name);
        }
    }
    names.sort_by_key(|name| FIRST.iter().position(|first| first == name).unwrap_or(FIRST.len()));
    let value = |row: &[(String, String)], name: &str| {
        row.iter().find(|(of, _)| of == name).map(|(_, value)| on_one_line(value)).unwrap_or_default()
    };
    let (mut shown, mut used) = (Vec::new(), 0);
    for name in names {
        let cells = rows.iter().map(|row| value(row, name).chars().count());
        let needs = cells.chain([in_words(name).chars().count()]).max().unwrap_or_default() + GAP;
        if shown.is_empty() || used + needs <= width + GAP {
            used += needs;
            shown.push(name);
        }
    }
    let heading = shown.iter().map(|name| in_words(name)).collect();
    let of_row = |row: &Vec<(String, String)>| shown.iter().map(|name| value(row, name)).collect();
    std::iter::once(heading).chain(rows.iter().map(of_row)).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn cluster(name: &str) -> Value {
        json!({
            "id": "/subscriptions/s/…", "name": name, "type": "T", "location": "local", "etag": "\"1\"",
            "tags": {"env": "prod", "owner": "a"}, "systemData": {"createdBy": "x"},
            "properties": {
                "provisioningState": "Succeeded", "nodeCount": 8, "deletionProtection": true,
                "health": {"state": "Healthy", "attention": ["n3 is down", "n4 is slow"], "leader": null},
                "capacity": {"totalBytes": 1_073_741_824_u64, "usedBytes": 0},
            },
        })
    }

    #[test]
    fn one_is_shown_field_by_field_the_usual_ones_first() {
        let fields = fields(&cluster("weather"));
        let names: Vec<&str> = fields.iter().map(|(name, _)| name.as_str()).collect();
        assert_eq!(names[..4], ["name", "location", "provisioningState", "id"]);
        let value = |name: &str| &fields.iter().find(|(of, _)| of == name).expect(name).1;
        assert_eq!(value("capacity.totalBytes"), "1.0 GiB");
        assert_eq!(value("health.attention"), "n3 is down, n4 is slow");
        assert_eq!(
            (value("tags").as_str(), value("deletionProtection").as_str()),
            ("env=prod owner=a", "yes")
        );
        assert!(!names.iter().any(|name| name.contains("leader") || name.contains("etag")), "{names:?}");
    }

    #[test]
    fn a_list_of_objects_is_a_table_of_its_own() {
        let check = |name: &str, reason: &str| json!({"name": name, "measured": "1 GiB/s", "reason": reason});
        let long = "because ".repeat(40);
        let body =
            json!({"name": "v", "properties": {"passed": 2, "checks": [check("a", "-"), check("b", &long)]}});
        let names: Vec<String> = fields(&body).into_iter().map(|(name, _)| name).collect();
        assert_eq!(names, ["name", "passed"]);
        let mut found = Vec::new();
        tables(&body, "", 0, &mut found);
        let (name, items) = found[0].clone();
        assert_eq!((name.as_str(), found.len()), ("checks", 1));
        assert_eq!(chosen(items, 80), [["name", "measured"], ["a", "1 GiB/s"], ["b", "1 GiB/s"]]);
    }

    #[test]
    fn nothing_that_a_server_answers_moves_the_cursor() {
        let bad = "a\u{1b}[2J\u{9b}1m\r\u{7}b";
        let of_lines = format!("{bad}\n{bad}\n");
        let item = json!({
            "name": bad, bad: bad, "tags": {bad: bad}, "list": [bad, {bad: bad}],
            "properties": {"template": of_lines, "deep": {bad: {bad: of_lines}}},
        });
        let is_plain = |text: &str| text.chars().all(|c| !c.is_control());
        let fields = fields(&item);
        assert_eq!(fields.len(), 6, "{fields:?}");
        for (name, value) in &fields {
            assert!(is_plain(name) && value.lines().all(is_plain), "{name:?}: {value:?}");
        }
        let template =
            fields.iter().find(|(name, _)| name == "template").map(|(_, value)| value.lines().count());
        assert_eq!(template, Some(2), "lines stay lines");
        assert!(super::fields(&json!(of_lines)).iter().all(|(_, value)| value.lines().all(is_plain)));
        let columns = ["name", "tags", "properties.template"].map(str::to_owned);
        let items = [item];
        for row in table(&items, &columns, 200).iter().chain(&chosen(&items, 1000)) {
            assert!(row.iter().all(|cell| is_plain(cell)), "{row:?}");
        }
    }

    #[test]
    fn a_table_has_the_columns_of_the_document_or_those_that_fit() {
        let items = [cluster("a"), cluster("b")];
        let columns = ["name", "properties.health.state", "operationName.value"].map(str::to_owned);
        let rows = table(&items, &columns, 80);
        assert_eq!(rows[0], ["name", "health", "operation name"]);
        assert_eq!(rows[2], ["b", "Healthy", ""]);
        assert_eq!(table(&items, &columns, 20)[2], ["b", "Healthy"], "what does not fit is left out");
        let id = "/subscriptions/s/resourceGroups/g/providers/P/roleDefinitions/r";
        assert_eq!(in_table("scope", id), "/resourceGroups/g/providers/P/roleDefinitions/r");
        assert_eq!(in_table("properties.roleDefinitionId", id), "r");
        assert_eq!(in_table("scope", "/subscriptions/s"), "/subscriptions/s");
        let narrow = chosen(&items, 40);
        assert_eq!(narrow[0][..3], ["name", "location", "provisioning state"]);
        let wide = chosen(&items, 200);
        assert!(wide[0].len() > narrow[0].len() && wide[0].contains(&"node count".to_owned()), "{wide:?}");
        assert!(wide.iter().all(|row| row.len() == wide[0].len()));
    }
}
