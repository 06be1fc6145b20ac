//! An interface record as one page of HTML that needs nothing else.

use super::document::Section;

const STYLE: &str = "body{font-family:Arial,sans-serif;line-height:1.5;max-width:60rem;margin:2rem auto;padding:0 1rem;color:#212b32}\
table{border-collapse:collapse;width:100%;margin:0 0 1.5rem}\
th,td{border-bottom:1px solid #d8dde0;padding:.4rem .6rem;text-align:left;vertical-align:top;overflow-wrap:anywhere}\
h2{margin-top:2rem}";

pub(super) fn html(title: &str, about: &str, sections: &[Section]) -> String {
    let mut page = format!(
        "<!DOCTYPE html>\n<html lang=\"en-GB\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <title>{title}</title>\n<style>{STYLE}</style>\n</head>\n<body>\n<main>\n\
         <h1>{title}</h1>\n<p>{about}</p>\n",
        title = escaped(title),
        about = escaped(about),
    );
    for section in sections {
        page.push_str(&format!("<h2>{}</h2>\n", escaped(section.title)));
        if section.rows.is_empty() {
            page.push_str("<p>None.</p>\n");
            continue;
        }
        table(&mut page, section);
    }
    page.push_str("</main>\n</body>\n</html>\n");
    page
}

fn table(page: &mut String, section: &Section) {
    page.push_str("<table>\n");
    let labelled = section.heads.iter().any(|head| !head.is_empty());
    if labelled {
        page.push_str("<thead><tr>");
        for head in section.heads {
            page.push_str(&format!("<th scope=\"col\">{}</th>", escaped(head)));
        }
        page.push_str("</tr></thead>\n");
    }
    page.push_str("<tbody>\n");
    for row in &section.rows {
        page.push_str("<tr>");
        for (index, cell) in row.iter().enumerate() {
            let cell = escaped(cell);
            if index == 0 {
                page.push_str(&format!("<th scope=\"row\">{cell}</th>"));
            } else {
                page.push_str(&format!("<td>{cell}</td>"));
            }
        }
        page.push_str("</tr>\n");
    }
    page.push_str("</tbody>\n</table>\n");
}

/// As a browser shows it, whatever stands in it.
fn escaped(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for char in text.chars() {
        match char {
            '&' => safe.push_str("&amp;"),
            '<' => safe.push_str("&lt;"),
            '>' => safe.push_str("&gt;"),
            '"' => safe.push_str("&quot;"),
            '\'' => safe.push_str("&#39;"),
            char => safe.push(char),
        }
    }
    safe
}
