//! What the pages say, in each language that they speak.

/// One language's words. `{address}` and `{list}` stand for those of the link.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Words {
    /// The language's tag.
    pub language: &'static str,
    /// The heading of the page with one button.
    pub ask: &'static str,
    /// What pressing the button does, when the link is for everything.
    pub ask_all: &'static str,
    /// What pressing the button does, when the link is for one list.
    pub ask_list: &'static str,
    /// The button.
    pub leave: &'static str,
    /// The link to the preference page.
    pub choose: &'static str,
    /// The heading of the confirmation.
    pub done: &'static str,
    /// What was done, of everything.
    pub done_all: &'static str,
    /// What was done, of one list.
    pub done_list: &'static str,
    /// What may happen all the same.
    pub under_way: &'static str,
    /// The heading of the preference page.
    pub preferences: &'static str,
    /// Whose preferences they are.
    pub of_address: &'static str,
    /// The heading of the lists.
    pub lists: &'static str,
    /// What is said of a list that is left.
    pub left: &'static str,
    /// The heading of the last part of the preference page.
    pub everything: &'static str,
    /// The button for everything.
    pub leave_all: &'static str,
    /// What is said when everything is left.
    pub left_all: &'static str,
    /// How to come back.
    pub come_back: &'static str,
    /// The heading when the link is none.
    pub no_link: &'static str,
    /// What to do then.
    pub no_link_cure: &'static str,
    /// The heading when nothing could be recorded.
    pub not_now: &'static str,
    /// What to do then.
    pub not_now_cure: &'static str,
}

/// Every language there is.
pub(super) const ALL: [&Words; 6] = [&ENGLISH, &GERMAN, &FRENCH, &SPANISH, &ITALIAN, &DUTCH];

pub(super) static ENGLISH: Words = Words {
    language: "en",
    ask: "Unsubscribe",
    ask_all: "Press the button, and {address} gets no more mailings from us.",
    ask_list: "Press the button, and {address} no longer gets “{list}”.",
    leave: "Unsubscribe",
    choose: "Choose which mailings you get",
    done: "You are unsubscribed",
    done_all: "{address} gets no more mailings from us.",
    done_list: "{address} no longer gets “{list}”.",
    under_way: "A mail that is already on its way may still arrive.",
    preferences: "Your mailings",
    of_address: "Sent to {address}",
    lists: "Mailing lists",
    left: "Unsubscribed",
    everything: "All mailings",
    leave_all: "Unsubscribe from everything",
    left_all: "You are unsubscribed from all mailings.",
    come_back: "You would like to get mailings again? Please write to us.",
    no_link: "This link does not work",
    no_link_cure: "It may have been cut off when it was copied, or it is too old. Please open it from the mail itself, or write to us.",
    not_now: "That did not work",
    not_now_cure: "We could not record it just now. Please try again in a minute.",
};

static GERMAN: Words = Words {
    language: "de",
    ask: "Abmelden",
    ask_all: "Mit einem Klick auf die Schaltfläche erhält {address} keine Rundschreiben mehr von uns.",
    ask_list: "Mit einem Klick auf die Schaltfläche erhält {address} „{list}“ nicht mehr.",
    leave: "Abmelden",
    choose: "Auswählen, was Sie erhalten",
    done: "Sie sind abgemeldet",
    done_all: "{address} erhält keine Rundschreiben mehr von uns.",
    done_list: "{address} erhält „{list}“ nicht mehr.",
    under_way: "Eine E-Mail, die schon unterwegs ist, kann noch ankommen.",
    preferences: "Ihre Rundschreiben",
    of_address: "Gesendet an {address}",
    lists: "Verteiler",
    left: "Abgemeldet",
    everything: "Alle Rundschreiben",
    leave_all: "Von allem abmelden",
    left_all: "Sie sind von allen Rundschreiben abgemeldet.",
    come_back: "Sie möchten wieder Rundschreiben erhalten? Bitte schreiben Sie uns.",
    no_link: "Dieser Link funktioniert nicht",
    no_link_cure: "Vielleicht wurde er beim Kopieren abgeschnitten, oder er ist zu alt. Bitte öffnen Sie ihn aus der E-Mail selbst, oder schreiben Sie uns.",
    not_now: "Das hat nicht geklappt",
    not_now_cure: "Wir konnten es gerade nicht vermerken. Bitte versuchen Sie es in einer Minute noch einmal.",
};

static FRENCH: Words = Words {
    language: "fr",
    ask: "Se désabonner",
    ask_all: "Appuyez sur le bouton, et {address} ne recevra plus nos envois.",
    ask_list: "Appuyez sur le bouton, et {address} ne recevra plus « {list} ».",
    leave: "Se désabonner",
    choose: "Choisir les envois que vous recevez",
    done: "Vous êtes désabonné(e)",
    done_all: "{address} ne recevra plus nos envois.",
    done_list: "{address} ne recevra plus « {list} ».",
    under_way: "Un message déjà en route peut encore arriver.",
    preferences: "Vos envois",
    of_address: "Envoyés à {address}",
    lists: "Listes de diffusion",
    left: "Désabonné(e)",
    everything: "Tous les envois",
    leave_all: "Se désabonner de tout",
    left_all: "Vous êtes désabonné(e) de tous les envois.",
    come_back: "Vous souhaitez recevoir de nouveau nos envois ? Écrivez-nous.",
    no_link: "Ce lien ne fonctionne pas",
    no_link_cure: "Il a peut-être été coupé lors de la copie, ou il est trop ancien. Ouvrez-le depuis le message lui-même, ou écrivez-nous.",
    not_now: "Cela n’a pas fonctionné",
    not_now_cure: "Nous n’avons pas pu l’enregistrer pour le moment. Veuillez réessayer dans une minute.",
};

static SPANISH: Words = Words {
    language: "es",
    ask: "Darse de baja",
    ask_all: "Pulse el botón y {address} no recibirá más envíos nuestros.",
    ask_list: "Pulse el botón y {address} dejará de recibir «{list}».",
    leave: "Darse de baja",
    choose: "Elegir qué envíos recibe",
    done: "Se ha dado de baja",
    done_all: "{address} no recibirá más envíos nuestros.",
    done_list: "{address} dejará de recibir «{list}».",
    under_way: "Es posible que aún llegue un mensaje que ya esté en camino.",
    preferences: "Sus envíos",
    of_address: "Enviados a {address}",
    lists: "Listas de correo",
    left: "De baja",
    everything: "Todos los envíos",
    leave_all: "Darse de baja de todo",
    left_all: "Se ha dado de baja de todos los envíos.",
    come_back: "¿Quiere volver a recibir nuestros envíos? Escríbanos.",
    no_link: "Este enlace no funciona",
    no_link_cure: "Quizá se cortó al copiarlo, o es demasiado antiguo. Ábralo desde el propio mensaje o escríbanos.",
    not_now: "No ha funcionado",
    not_now_cure: "No hemos podido registrarlo en este momento. Vuelva a intentarlo dentro de un minuto.",
};

static ITALIAN: Words = Words {
    language: "it",
    ask: "Annulla l’iscrizione",
    ask_all: "Premi il pulsante e {address} non riceverà più le nostre comunicazioni.",
    ask_list: "Premi il pulsante e {address} non riceverà più «{list}».",
    leave: "Annulla l’iscrizione",
    choose: "Scegli quali comunicazioni ricevere",
    done: "Iscrizione annullata",
    done_all: "{address} non riceverà più le nostre comunicazioni.",
    done_list: "{address} non riceverà più «{list}».",
    under_way: "Un messaggio già in viaggio può ancora arrivare.",
    preferences: "Le tue comunicazioni",
    of_address: "Inviate a {address}",
    lists: "Liste di distribuzione",
    left: "Iscrizione annullata",
    everything: "Tutte le comunicazioni",
    leave_all: "Annulla tutte le iscrizioni",
    left_all: "Hai annullato l’iscrizione a tutte le comunicazioni.",
    come_back: "Vuoi ricevere di nuovo le nostre comunicazioni? Scrivici.",
    no_link: "Questo link non funziona",
    no_link_cure: "Forse è stato troncato durante la copia, o è troppo vecchio. Aprilo dal messaggio stesso, oppure scrivici.",
    not_now: "Non ha funzionato",
    not_now_cure: "Al momento non è stato possibile registrarlo. Riprova tra un minuto.",
};

static DUTCH: Words = Words {
    language: "nl",
    ask: "Afmelden",
    ask_all: "Druk op de knop, en {address} krijgt geen mailings meer van ons.",
    ask_list: "Druk op de knop, en {address} krijgt ‘{list}’ niet meer.",
    leave: "Afmelden",
    choose: "Kiezen welke mailings u krijgt",
    done: "U bent afgemeld",
    done_all: "{address} krijgt geen mailings meer van ons.",
    done_list: "{address} krijgt ‘{list}’ niet meer.",
    under_way: "Een e-mail die al onderweg is, kan nog aankomen.",
    preferences: "Uw mailings",
    of_address: "Verzonden aan {address}",
    lists: "Mailinglijsten",
    left: "Afgemeld",
    everything: "Alle mailings",
    leave_all: "Afmelden voor alles",
    left_all: "U bent afgemeld voor alle mailings.",
    come_back: "Wilt u weer mailings krijgen? Schrijf ons.",
    no_link: "Deze link werkt niet",
    no_link_cure: "Misschien is hij bij het kopiëren afgekapt, of is hij te oud. Open hem vanuit de e-mail zelf, of schrijf ons.",
    not_now: "Dat is niet gelukt",
    not_now_cure: "We konden het nu niet vastleggen. Probeer het over een minuut opnieuw.",
};

/// A sentence about an address, and a list if there is one.
pub(super) fn filled(sentence: &str, address: &str, list: &str) -> String {
    // Part by part: what is filled in is not looked at for what else might be.
    let mut out = String::with_capacity(sentence.len() + address.len() + list.len());
    let mut rest = sentence;
    while let Some(at) = rest.find('{') {
        let (before, after) = rest.split_at(at);
        out.push_str(before);
        let (name, after) = after[1..].split_once('}').unwrap_or((after, ""));
        out.push_str(match name {
            "address" => address,
            "list" => list,
            _ => "",
        });
        rest = after;
    }
    out.push_str(rest);
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn every_language_says_whom_and_what() {
        assert_eq!(
            ALL.iter().map(|words| words.language).collect::<BTreeSet<_>>().len(),
            ALL.len()
        );
        for words in ALL {
            for sentence in [words.ask_all, words.done_all, words.of_address] {
                assert!(
                    sentence.contains("{address}") && !sentence.contains("{list}"),
                    "{sentence}"
                );
            }
            for sentence in [words.ask_list, words.done_list] {
                assert!(
                    sentence.contains("{address}") && sentence.contains("{list}"),
                    "{sentence}"
                );
                assert_eq!(filled(sentence, "A", "L").matches(['{', '}']).count(), 0, "{sentence}");
            }
        }
    }

    #[test]
    fn what_is_filled_in_is_taken_as_it_is() {
        assert_eq!(
            filled("{address} no longer gets “{list}”.", "a***@b.example", "{address}"),
            "a***@b.example no longer gets “{address}”."
        );
    }
}
